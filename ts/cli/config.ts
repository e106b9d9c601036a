import { configHash } from '../config/hash.ts';
import { jsonSchema } from '../config/jsonSchema.ts';
import { beyondPreset, formatConfig, loadConfig } from '../config/load.ts';
import { PRESETS } from '../config/presets.ts';
import { columns } from '../report/text.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero config` as given. */
export interface ConfigCommandFlags extends ConfigFlags {
  model?: string;
  changed?: true;
  hash?: true;
}

/**
 * `rzero config`: what options come to.
 *
 * @throws ConfigError, UsageError
 */
export function configCommand(flags: ConfigCommandFlags, terminal: Terminal): void {
  if (flags.changed && flags.hash) throw new UsageError('--changed and --hash are two questions: ask one');
  const named = flags.model === undefined ? [] : [`model=${JSON.stringify(flags.model)}`];
  const config = configFrom(flags, terminal.workingFolder, named);
  if (flags.hash) terminal.out(`${configHash(config)}\n`);
  else if (flags.changed) terminal.out(beyondPreset(config).map(assignment).join(''));
  else terminal.out(formatConfig(config));
}

/** `rzero presets`: their names, models and what they are. */
export function presetsCommand(flags: { json?: true }, terminal: Terminal): void {
  const presets = Object.entries(PRESETS).map(([preset, { summary, extends: parent }]) => {
    const { model, worker } = loadConfig({ preset });
    return { preset, ...(parent === undefined ? {} : { extends: parent }), model, backend: worker.backend, summary };
  });
  if (flags.json) terminal.out(`${JSON.stringify(presets, null, 2)}\n`);
  else
    terminal.out(
      `${columns(
        presets.map(({ preset, summary }) => [preset, summary]),
        [],
      ).join('\n')}\n`,
    );
}

/** `rzero schema`: for editors. */
export function schemaCommand(terminal: Terminal): void {
  terminal.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
}

/** As `--set` takes it. */
function assignment([option, value]: [string, unknown]): string {
  return `${option}=${JSON.stringify(value)}\n`;
}
