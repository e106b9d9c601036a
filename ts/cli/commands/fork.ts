import type { Command } from 'commander';
import type { ForkFlags } from '../fork.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero fork` */
export function addFork(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('fork')
    .description('make a run that shares the first phases of another and goes on otherwise')
    .argument('<folder>', 'run folder')
    .requiredOption('--at <point>', 'what it does itself first: iteration:2, or iteration:2/solver')
    .requiredOption('--out <folder>', 'run folder to make')
    .option('--set <name=value>', 'one option, e.g. solver.steps=20; may be repeated', collect)
    .addHelpText(
      'after',
      `
Nothing is started: rzero resume does. Files are linked where the file system can, so that what is shared takes no room.

Examples:
  rzero fork runs/a --at iteration:2 --out runs/b --set solver.optimizer.learningRate=3e-4
  rzero fork runs/a --at iteration:1/solver --out runs/c --set questions.delta=0.2
${exitCodes}`,
    )
    .action(async (folder: string, flags: ForkFlags) => {
      const { forkCommand } = await import('../fork.ts');
      await forkCommand(folder, flags, terminal);
    });
}
