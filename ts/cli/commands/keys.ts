import type { Command } from 'commander';
import type { KeysFlags } from '../keys.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero keys` */
export function addKeys(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('keys')
    .description('make the keys for workers on other machines, or add workers to them')
    .argument('<folder>', 'key folder to make, or to add to')
    .option('--workers <number>', 'workers worker-1 to worker-N (default: 1)')
    .option('--name <name>', 'a worker by a name of your own; may be repeated', collect)
    .addHelpText(
      'after',
      `
Nothing is ever written over: a second call adds what is missing.

Examples:
  rzero keys keys --workers 2
  rzero keys keys --name gpu-box
${exitCodes}`,
    )
    .action(async (folder: string, flags: KeysFlags) => {
      const { keysCommand } = await import('../keys.ts');
      keysCommand(folder, flags, terminal);
    });
}
