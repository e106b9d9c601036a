import type { Command } from 'commander';
import type { ModelCheckFlags } from '../modelCheck.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero model` */
export function addModel(program: Command, { terminal, finish, exitCodes }: CommandContext): void {
  program
    .command('model')
    .description('look at a model before anything is trained')
    .command('check')
    .description('say whether a run could begin with a model, and show what the model would see; no weights are loaded')
    .argument('<model>', 'a Hugging Face folder or hub name, or "embedded"')
    .option('--preset <name>', 'starting point: embedded (default), paper, repo-head, repo-2025, mock')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of a run')
    .option('--set <name=value>', 'one option, e.g. worker.backend=vllm; may be repeated', collect)
    .option('--json', 'all that was found as JSON')
    .addHelpText(
      'after',
      `
Looked at are the config, the tokenizer and its chat template, the headers of the weights and the model's card. The exit
code is 0 where the model can be used, with warnings or without, and 65 where it cannot.

Examples:
  rzero model check embedded
  rzero model check ./my-model --preset paper
  rzero model check Qwen/Qwen3-4B-Base --preset paper --set placement.gpusPerHost=8 --set placement.gpu=h100
${exitCodes}`,
    )
    .action(async (model: string, flags: ModelCheckFlags) => {
      const { modelCheckCommand } = await import('../modelCheck.ts');
      finish(await modelCheckCommand(model, flags, terminal));
    });
}
