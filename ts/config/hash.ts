import { createHash } from 'node:crypto';
import { decidesNothing } from './changes.ts';
import type { Config } from './schema.ts';

/**
 * What a configuration's result is called by: the SHA-256, as 64 hex digits, of all options that decide it, by their
 * names and values. Where and with what it is computed, what is kept on disk and what is warned of are not among them: a
 * run that goes on with other workers keeps its hash. Nor is the name of the preset, whose values are.
 */
export function configHash(config: Config): string {
  const { preset: _, ...options } = config;
  const lines = leaves(options, '').filter(([option]) => !decidesNothing(option, config));
  return createHash('sha256')
    .update(JSON.stringify(lines.sort(byName)))
    .digest('hex');
}

/** Options and their values; a list is a value. */
function leaves(value: unknown, option: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[option, value]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, option === '' ? name : `${option}.${name}`));
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}
