import type { Command } from 'commander';
import { gcCommand } from './gc.ts';
import { runsCommand } from './runs.ts';
import type { Terminal } from './terminal.ts';
import { verifyCommand } from './verify.ts';

/** Add the commands that look after run folders. @param finish told the exit code of one that does not throw */
export function addUpkeep(
  program: Command,
  terminal: Terminal,
  finish: (code: number) => void,
  exitCodes: string,
): void {
  program
    .command('runs')
    .description('list runs: how each stands, where it is, what it takes on disk')
    .argument('[folder]', 'folder of run folders, or of folders of them', 'runs')
    .option('--json', 'the list as JSON')
    .action((folder: string, flags: { json?: true }) => runsCommand(folder, flags, terminal));
  program
    .command('verify')
    .description('compare all files of a run with the hashes in its journal')
    .argument('<folder>', 'run folder')
    .option('--json', 'what was found as JSON')
    .addHelpText(
      'after',
      `
Nothing is changed. Each problem says what it means for rzero resume, which puts right what can be: the exit code is 0
where all is intact, and 65 where something is not.
${exitCodes}`,
    )
    .action(async (folder: string, flags: { json?: true }) => finish(await verifyCommand(folder, flags, terminal)));
  program
    .command('gc')
    .description('say what of a run nothing needs any more, or free it')
    .argument('<folder>', 'run folder')
    .option('--delete', 'free it; else it is only said')
    .addHelpText(
      'after',
      `
Freed are: what was put aside, what lost processes left half written, checkpoints and recorded answers of phases that are
over, and models beyond storage.keepModels. What rzero resume needs is never among them. A run that somebody has is left
alone.

Examples:
  rzero gc runs/a
  rzero gc runs/a --delete
${exitCodes}`,
    )
    .action((folder: string, flags: { delete?: true }) => gcCommand(folder, flags, terminal));
}
