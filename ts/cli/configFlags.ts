import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** Flags that make a configuration, as given. */
export interface ConfigFlags {
  preset?: string;
  config?: string;
  set?: string[];
}

/**
 * The configuration that flags stand for.
 *
 * @param named assignments that are weaker than `--set`
 * @throws ConfigError
 */
export function configFrom(flags: ConfigFlags, workingFolder: string, named: readonly string[] = []): Config {
  return loadConfig({
    ...(flags.preset === undefined ? {} : { preset: flags.preset }),
    ...(flags.config === undefined
      ? {}
      : { file: { name: flags.config, text: readConfigFile(flags.config, workingFolder) } }),
    sets: [...named, ...(flags.set ?? [])],
  });
}

function readConfigFile(name: string, workingFolder: string): string {
  try {
    return readFileSync(resolve(workingFolder, name), 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file or folder' : message;
    throw new ConfigError(`--config ${name} cannot be read: ${reason}`);
  }
}
