import type { Command } from 'commander';
import type { CommandContext } from './context.ts';

/** `rzero benchmarks` */
export function addBenchmarks(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('benchmarks')
    .description('list the benchmarks, or show what a model is asked by one')
    .argument(
      '[suite]',
      "benchmarks whose items are loaded: a name, a suite, names joined by commas, or one's own file",
    )
    .option('--item <id>', 'the item to show; the first unless given')
    .option('--data <folder>', 'read NAME.jsonl, .json, .csv or .parquet of this folder instead of the hub')
    .option('--json', 'the same as JSON')
    .addHelpText(
      'after',
      `
Suites: math, general, all (the paper's), embedded (held-out arithmetic). Any task of Reasoning Gym is one too, after
npm run setup:tasks: reasoning-gym:TASK, reasoning-gym:TASK:size=50:seed=1.

Examples:
  rzero benchmarks
  rzero benchmarks arithmetic-10
  rzero benchmarks gsm8k --data ./data
  rzero benchmarks my-benchmark.yml --item 17
  rzero benchmarks reasoning-gym:chain_sum --json
${exitCodes}`,
    )
    .action(async (suite: string | undefined, flags: { item?: string; data?: string; json?: true }) => {
      const { benchmarksCommand } = await import('../benchmarks.ts');
      await benchmarksCommand(suite, flags, terminal);
    });
}
