import type { Command } from 'commander';
import type { StatusFlags } from '../status.ts';
import type { CommandContext } from './context.ts';

/** `rzero status` */
export function addStatus(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('status')
    .description('say how a run stands: who has it, how far it is, what it has left, its scores')
    .argument('<folder>', 'run folder')
    .option('--json', 'all of it as one JSON document (with --watch: one a line, whenever something changed)')
    .option('--watch', 'again and again until the run ends')
    .addHelpText(
      'after',
      `
It reads the journal alone and writes nothing, so it may look at a run that is going on, here or on another machine.

Examples:
  rzero status runs/a
  rzero status runs/a --watch
  rzero status runs/a --json | jq .left.run
${exitCodes}`,
    )
    .action(async (folder: string, flags: StatusFlags) => {
      const { statusCommand } = await import('../status.ts');
      await statusCommand(folder, flags, terminal);
    });
}
