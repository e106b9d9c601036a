import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** `rzero gc` */
export function addGc(program: Command, { terminal, exitCodes }: CommandContext): void {
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
    .action(async (folder: string, flags: { delete?: true }) => {
      const { gcCommand } = await import('../gc.ts');
      await gcCommand(folder, flags, terminal);
    });
}
