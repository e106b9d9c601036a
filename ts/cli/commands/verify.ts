import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** `rzero verify` */
export function addVerify(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
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

Examples:
  rzero verify runs/a
  rzero verify runs/a --json
${exitCodes}`,
    )
    .action(async (folder: string, flags: { json?: true }) => {
      const { verifyCommand } = await import('../verify.ts');
      finish(await verifyCommand(folder, flags, terminal));
    });
}
