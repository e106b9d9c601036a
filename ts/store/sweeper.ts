import type { JournalEntry } from '../ports/journal.ts';
import { type KeepingRule, named, unneeded } from './needed.ts';
import type { RunFolder } from './runFolder.ts';

/**
 * What frees, whenever it is called, whatever a run that goes on does not need any more. What cannot be removed (on NFS,
 * say, while somebody has it open) is in nobody's way, and is tried again the next time.
 *
 * @param entries those of the journal; it grows
 * @param onTrouble told once of each that cannot be removed
 */
export function sweeper(
  folder: Pick<RunFolder, 'remove'>,
  entries: readonly JournalEntry[],
  rule: KeepingRule,
  onTrouble: (message: string) => void = () => {},
): () => void {
  /** Removed already; on a disk that many machines share it costs to look. */
  const removed = new Set<string>();
  const told = new Set<string>();
  let seen = 0;
  return () => {
    // What is named anew was made anew.
    for (const entry of entries.slice(seen)) for (const { name } of named(entry)) removed.delete(name);
    seen = entries.length;
    for (const name of unneeded(entries, rule).keys()) {
      if (removed.has(name)) continue;
      try {
        folder.remove(name);
        removed.add(name);
      } catch (error) {
        if (!told.has(name)) onTrouble(`${name} is not needed and cannot be removed: ${(error as Error).message}`);
        told.add(name);
      }
    }
  };
}
