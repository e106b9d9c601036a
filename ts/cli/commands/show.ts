import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** `rzero show` */
export function addShow(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('show')
    .description("print a finished run's table")
    .argument('<folder>', 'run folder')
    .option('--json', 'the summary as JSON')
    .addHelpText(
      'after',
      `
Examples:
  rzero show runs/a
  rzero show runs/a --json > summary.json
${exitCodes}`,
    )
    .action(async (folder: string, flags: { json?: true }) => {
      const { showCommand } = await import('../show.ts');
      showCommand(folder, flags, terminal);
    });
}
