import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files that tell how a run went, not what came of it: times, processes, the configuration of workers. */
const CIRCUMSTANCES = new Set(['config.yml', 'metrics.jsonl', 'run.json', 'summary.json']);

/** Digest of each file that a run's folder holds as its result, by name. */
export function resultDigests(folder: string): Map<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !CIRCUMSTANCES.has(path.slice(folder.length + 1)) && !path.endsWith('.log'));
  return new Map(
    files
      .sort()
      .map((path) => [path.slice(folder.length + 1), createHash('sha256').update(readFileSync(path)).digest('hex')]),
  );
}

/** Names of the files that are not the same in both, or in one alone. */
export function differences(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name));
}
