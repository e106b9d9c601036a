import type { JournalEntry } from '../ports/journal.ts';
import { type KeepingRule, named, unneeded } from './needed.ts';
import type { RunFolder } from './runFolder.ts';

/**
 * What frees, whenever it is called, whatever a run that goes on does not need any more.
 *
 * @param entries those of the journal; it grows
 */
export function sweeper(folder: RunFolder, entries: readonly JournalEntry[], rule: KeepingRule): () => void {
  /** Removed already; on a disk that many machines share it costs to look. */
  const removed = new Set<string>();
  let seen = 0;
  return () => {
    // What is named anew was made anew.
    for (const entry of entries.slice(seen)) for (const { name } of named(entry)) removed.delete(name);
    seen = entries.length;
    for (const name of unneeded(entries, rule).keys()) {
      if (removed.has(name)) continue;
      folder.remove(name);
      removed.add(name);
    }
  };
}
