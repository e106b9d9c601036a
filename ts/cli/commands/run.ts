import type { Command } from 'commander';
import { ARMS } from '../../domain/settings.ts';
import type { RunFlags } from '../run.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero run` */
export function addRun(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('run')
    .description('co-evolve a Challenger and a Solver, and measure the Solver after each iteration')
    .option('--preset <name>', 'starting point: see rzero presets (default: embedded)')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of another run')
    .option('--set <name=value>', 'one option, e.g. solver.steps=20; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--arm <name>', `the whole method or an ablation: ${ARMS.join(', ')}`)
    .option('--seed <number>', 'everything random comes from it')
    .option('--iterations <number>', 'rounds of Challenger and Solver')
    .option('--out <folder>', 'run folder to make (default: runs/ and the time), or to go on with')
    .addHelpText(
      'after',
      `
Examples:
  rzero run
  rzero run --seed 2 --arm shuffled-labels --out runs/shuffled
  rzero run --config runs/shuffled/config.yml --seed 3
  rzero run --model ./TinyLlama --iterations 1 --set solver.steps=5 --set questions.candidates=64
${exitCodes}`,
    )
    .action(async (flags: RunFlags) => {
      const { runCommand } = await import('../run.ts');
      await runCommand(flags, terminal);
    });
}
