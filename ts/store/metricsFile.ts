import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JournalEntry } from '../ports/journal.ts';
import { formatRecords, writeWhole } from './files.ts';

/** What an entry is in metrics.jsonl; undefined where it has no figures. */
export function metricsLine(entry: JournalEntry): Record<string, unknown> | undefined {
  switch (entry.type) {
    case 'iteration':
    case 'recovery':
    case 'warning':
    case 'workers': {
      const { type, ...rest }: JournalEntry = entry;
      return { kind: type, ...rest };
    }
    case 'step': {
      const { iteration, phase, step, metrics } = entry;
      return { kind: 'step', iteration, phase, step, ...metrics };
    }
    case 'done': {
      const { iteration, phase, metrics, seconds } = entry;
      return { kind: 'phase', iteration, phase, ...metrics, seconds };
    }
    default:
      return undefined;
  }
}

/** The lines of metrics.jsonl: of phases that count, and of a step that was made twice the second one. */
export function metricsLines(entries: readonly JournalEntry[]): Record<string, unknown>[] {
  return livingEntries(entries)
    .map((index) => metricsLine(entries[index] as JournalEntry))
    .filter((line) => line !== undefined);
}

/** Indices of the entries that count: of phases that were not undone, and of a step that was made twice the second one. */
export function livingEntries(entries: readonly JournalEntry[]): number[] {
  const living = new Map<string, number>();
  for (const [index, entry] of entries.entries()) {
    const key = replacedBy(entry);
    if (entry.type === 'undone') {
      for (const [one, at] of living) {
        const other = entries[at] as JournalEntry;
        if ('phase' in other && other.iteration === entry.iteration && other.phase === entry.phase) living.delete(one);
      }
    } else if (key === undefined) living.set(`${index}`, index);
    else {
      living.delete(key);
      living.set(key, index);
    }
  }
  return [...living.values()];
}

/** Entries with the same key replace one another. */
function replacedBy(entry: JournalEntry): string | undefined {
  return entry.type === 'step' ? `${entry.iteration}/${entry.phase}/${entry.step}` : undefined;
}

/**
 * metrics.jsonl: the figures of a run, for people and their tools. It can always be made anew from the journal, so that
 * the run goes on where it cannot be written.
 */
export class MetricsFile {
  private readonly path: string;
  private readonly entries: readonly JournalEntry[];
  private readonly onTrouble: (message: string) => void;
  private steps = new Set<string>();
  /** Whether the file is what the entries say. */
  private current = false;
  private told = false;

  /** @param entries those of the journal; it grows. @param onTrouble told once when it cannot be written */
  constructor(run: string, entries: readonly JournalEntry[], onTrouble: (message: string) => void) {
    this.path = join(run, 'metrics.jsonl');
    this.entries = entries;
    this.onTrouble = onTrouble;
    this.attempt(() => this.remake());
  }

  /** Follow the entry that the journal has got last. */
  add(entry: JournalEntry): void {
    const key = replacedBy(entry);
    const replaces = entry.type === 'undone' || (key !== undefined && this.steps.has(key));
    if (key !== undefined) this.steps.add(key);
    const line = metricsLine(entry);
    if (!this.current || replaces) this.attempt(() => this.remake());
    else if (line !== undefined) this.attempt(() => appendFileSync(this.path, formatRecords([line])));
  }

  private remake(): void {
    writeWhole(this.path, formatRecords(metricsLines(this.entries)));
    this.steps = new Set(this.entries.flatMap((entry) => replacedBy(entry) ?? []));
  }

  private attempt(write: () => void): void {
    try {
      write();
      this.current = true;
      this.told = false;
    } catch (error) {
      this.current = false;
      if (!this.told) this.onTrouble(`metrics.jsonl cannot be written: ${(error as Error).message}`);
      this.told = true;
    }
  }
}
