import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalEntry } from '../../ports/journal.ts';

/** Responses in the records of a run that another has and this one has not. */
export function samplesLost(wanted: string, found: string, names: readonly string[]): number {
  const missing = (name: string): number => {
    const seen = new Map<string, number>();
    for (const text of responsesOf(join(found, name))) seen.set(text, (seen.get(text) ?? 0) + 1);
    return responsesOf(join(wanted, name)).filter((text) => {
      const count = seen.get(text) ?? 0;
      seen.set(text, count - 1);
      return count <= 0;
    }).length;
  };
  return names.filter((name) => name.endsWith('.jsonl')).reduce((sum, name) => sum + missing(name), 0);
}

function responsesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => {
      const { question = '', responses = [] } = JSON.parse(line) as { question?: string; responses?: string[] };
      return responses.map((response) => `${question}\n${response}`);
    });
}

/**
 * Steps whose weights were not one publication after those of the step before: an update that was left out, or made
 * twice.
 */
export function stepsDoubled(entries: readonly JournalEntry[]): number {
  const versions = new Map<string, number>();
  for (const entry of entries) {
    if (entry.type !== 'step') continue;
    versions.set(`${entry.iteration}/${entry.phase}/${entry.step}`, (entry.metrics.weightsVersion ?? -1) - entry.step);
  }
  return [...versions.values()].filter((difference) => difference !== 0).length;
}
