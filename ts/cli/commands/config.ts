import type { Command } from 'commander';
import type { ConfigCommandFlags } from '../config.ts';
import { collect } from './collect.ts';
import type { CommandContext } from './context.ts';

/** `rzero config`, `rzero presets` and `rzero schema`: what can be configured, and what a configuration comes to */
export function addConfig(program: Command, { terminal, exitCodes }: CommandContext): void {
  program
    .command('config')
    .description('print the whole configuration that options come to, as YAML')
    .option('--preset <name>', 'starting point: see rzero presets (default: embedded)')
    .option('--config <file>', 'YAML file over the preset, e.g. the config.yml of another run')
    .option('--set <name=value>', 'one option, e.g. solver.steps=20; may be repeated', collect)
    .option('--model <folder|name>', 'base model: a Hugging Face folder or hub name')
    .option('--changed', 'those options alone that are not as in the preset')
    .option('--hash', 'its hash alone: of all options that decide a result')
    .addHelpText(
      'after',
      `
Nothing is started, and all is checked as for a run.

Examples:
  rzero config --preset qwen3-4b > my.yml
  rzero config --config my.yml --set solver.steps=20 --changed
  rzero config --config runs/a/config.yml --hash
${exitCodes}`,
    )
    .action(async (flags: ConfigCommandFlags) => {
      const { configCommand } = await import('../config.ts');
      configCommand(flags, terminal);
    });
  program
    .command('presets')
    .description('list the named starting points')
    .option('--json', 'the list as JSON')
    .addHelpText('after', `\nExamples:\n  rzero presets\n  rzero config --preset single-gpu-lora\n${exitCodes}`)
    .action(async (flags: { json?: true }) => {
      const { presetsCommand } = await import('../config.ts');
      presetsCommand(flags, terminal);
    });
  program
    .command('schema')
    .description('print the JSON Schema of configuration files, for editors')
    .addHelpText(
      'after',
      `
An editor that knows YAML's language server completes and checks a file that begins with
  # yaml-language-server: $schema=./rzero.schema.json

Examples:
  rzero schema > rzero.schema.json
${exitCodes}`,
    )
    .action(async () => {
      const { schemaCommand } = await import('../config.ts');
      schemaCommand(terminal);
    });
}
