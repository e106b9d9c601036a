import type { Command } from 'commander';
import { GPU_NAMES } from '../../placement/gpu.ts';
import type { PlanFlags } from '../plan.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero plan` */
export function addPlan(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('plan')
    .description('say which GPUs would sample and which train, what they would hold, and how long it would take')
    .option('--preset <name>', 'starting point: see rzero presets (default: embedded)')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of a run')
    .option('--set <name=value>', 'one option, e.g. placement.layout=apart; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--gpus <number>', 'GPUs of a host (default: those of this machine)')
    .option('--hosts <number>', 'hosts with as many GPUs each (default: 1)')
    .option('--gpu <name>', `their kind (default: this machine's): ${GPU_NAMES.join(', ')}`)
    .option('--json', 'the plan as JSON')
    .addHelpText(
      'after',
      `
Nothing is started. The exit code is 0 if the run fits and 78 if it cannot; then the message says what is too large and
which single changes would make it fit.

Examples:
  rzero plan                                                on the GPUs of this machine
  rzero plan --preset paper --gpus 8 --gpu h100
  rzero plan --preset paper --model Qwen/Qwen3-8B-Base --hosts 2 --gpus 8 --gpu a100-80
  rzero plan --preset paper --gpus 1 --gpu rtx-4090 --set trainer.loraRank=32
  rzero plan --preset paper --gpus 8 --gpu h100 --set placement.layout=apart --set placement.trainerGpus=2
${exitCodes}`,
    )
    .action(async (flags: PlanFlags) => {
      const { planCommand } = await import('../plan.ts');
      await planCommand(flags, terminal);
    });
}
