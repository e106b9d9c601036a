import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** `rzero runs` */
export function addRuns(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('runs')
    .description('list runs: how each stands, where it is, what it takes on disk')
    .argument('[folder]', 'folder of run folders, or of folders of them', 'runs')
    .option('--json', 'the list as JSON')
    .addHelpText(
      'after',
      `
Examples:
  rzero runs
  rzero runs /scratch/experiments --json
${exitCodes}`,
    )
    .action(async (folder: string, flags: { json?: true }) => {
      const { runsCommand } = await import('../runs.ts');
      runsCommand(folder, flags, terminal);
    });
}
