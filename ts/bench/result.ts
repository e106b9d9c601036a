import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** Files and folders that tell how a run went, not what came of it: times, processes, attempts, leftovers. */
const CIRCUMSTANCES = new Set([
  'config.yml',
  'journal',
  'lease.json',
  'logs',
  'metrics.jsonl',
  'objects',
  'quarantine',
  'run.json',
  'summary.json',
  'tensorboard',
  'trackers',
]);

/** Digest of each file that a run's folder holds as its result, by name. */
export function resultDigests(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !CIRCUMSTANCES.has(name.split(sep)[0] as string) && !name.endsWith('.log'));
  return new Map(
    names.sort().map((name) => [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

/** Names of the files that are not the same in both, or in one alone. */
export function differences(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name));
}
