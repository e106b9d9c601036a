import { join } from 'node:path';
import type { JournalEntry } from '../ports/journal.ts';
import { type KeepingRule, needed, unneeded } from './needed.ts';
import { bytesIn, entriesIn } from './tree.ts';

/** A file or folder of a run that nothing needs. */
export interface Garbage {
  /** Relative to the run, `/`-separated. */
  name: string;
  /** Why it is not needed. */
  why: string;
  bytes: number;
}

/** What a journal's entries name: where such things lie. */
const NAMED = [/^objects\/..\/[^/]+$/, /^iteration-\d+\/checkpoints\/[^/]+\/[^/]+$/, /^iteration-\d+\/models\/[^/]+$/];

/**
 * All in a run's folder that neither going on nor the run's settings need: what {@link needed} does not list, and what
 * lost processes left behind.
 *
 * @param run the run's folder, which nobody has
 * @throws an error of the file system
 */
export function garbageIn(run: string, entries: readonly JournalEntry[], rule: KeepingRule): Garbage[] {
  const wanted = needed(entries, rule);
  const reasons = unneeded(entries, rule);
  const found: Garbage[] = [];
  const visit = (folder: string): void => {
    for (const { name, isFolder } of entriesIn(run, folder)) {
      const isNamed = NAMED.some((pattern) => pattern.test(name));
      const why = isNamed ? (reasons.get(name) ?? 'nothing that is on record names it') : leftover(name);
      if (wanted.has(name)) continue;
      if (why !== undefined) found.push({ name, why, bytes: bytesIn(join(run, name)) });
      else if (isFolder) visit(name);
    }
  };
  visit('');
  return found;
}

/**
 * Of such things those that only somebody killed leaves behind, and that weigh: weights on their way, files half written,
 * folders of models that were put aside. Whoever goes on with the run need not keep them, or every kill would cost room.
 */
export function wrecksIn(run: string): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const { name, isFolder } of entriesIn(run, folder)) {
      const isAside = name.startsWith('quarantine/');
      if (isAside ? isFolder : leftover(name) !== undefined) found.push(name);
      else if (isFolder && name !== 'objects') visit(name);
    }
  };
  visit('');
  return found;
}

/** Why something is a leftover, by its name alone; undefined where it is none. */
function leftover(name: string): string | undefined {
  if (/^quarantine\/[^/]+$/.test(name)) return 'it was in the way, or damaged, and was put aside';
  if (/^exchange-[^/]+$/.test(name)) return 'weights on their way between workers that are gone';
  if (/\.(tmp|partial)$/.test(name)) return 'it was being written by a process that is gone';
  return undefined;
}
