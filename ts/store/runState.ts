import type { JournalEntry } from '../ports/journal.ts';
import type { Phase } from '../ports/reporter.ts';
import { readJournal } from './journal.ts';
import { describeHolder, holderState } from './lease.ts';
import type { Past } from './segments.ts';
import { bytesIn } from './tree.ts';

/** Where a run is, from its journal alone. */
export interface RunState {
  /**
   * How it ended; `running` while its process lives, `elsewhere` where that cannot be seen from here, `lost` where it
   * went without an end.
   */
  state: 'finished' | 'stopped' | 'preempted' | 'failed' | 'running' | 'elsewhere' | 'lost';
  /** What a failed run died of. */
  error?: string;
  /** Who has a run that is running, or elsewhere, in words. */
  holder?: string;
  /** As it was configured; absent where nothing is on record yet. */
  config?: { preset: string; arm: string; seed: number; model: string; iterations: number };
  /** What was on record last; absent before the first phase. */
  at?: { iteration: number; phase: Phase; step?: number };
  attempts: number;
  /** ISO 8601, UTC: of the first line on record, and of the last; absent where there is none. */
  begun?: string;
  changed?: string;
  /** What its folder takes on disk. */
  bytes: number;
}

/**
 * Read where a run is. It is not touched, and may be going on.
 *
 * @param run the run's folder
 * @throws JournalError `damaged`; an error of the file system
 */
export function readRunState(run: string): RunState {
  return runStateOf(run, readJournal(run));
}

/** The same by a journal that has been read. */
export function runStateOf(run: string, { attempts, entries, last }: Past): RunState {
  const holder = attempts.at(-1);
  const config = entries.findLast((entry) => entry.type === 'run')?.config as RunState['config'];
  return {
    ...stateOf(entries, holder === undefined ? 'gone' : holderState(run, holder)),
    ...(holder === undefined ? {} : { holder: describeHolder(holder) }),
    ...(config === undefined ? {} : { config: pick(config) }),
    ...placeOf(entries),
    attempts: attempts.length,
    ...(attempts[0] === undefined ? {} : { begun: attempts[0].at }),
    ...(last === undefined ? {} : { changed: last.at }),
    bytes: bytesIn(run),
  };
}

function stateOf(
  entries: readonly JournalEntry[],
  holder: ReturnType<typeof holderState>,
): Pick<RunState, 'state' | 'error'> {
  if (holder === 'lives') return { state: 'running' };
  const last = entries.at(-1);
  if (last?.type === 'end') return { state: last.how, ...(last.error === undefined ? {} : { error: last.error }) };
  return { state: holder === 'unknown' ? 'elsewhere' : 'lost' };
}

function placeOf(entries: readonly JournalEntry[]): Pick<RunState, 'at'> {
  const last = entries.findLast((entry) => 'phase' in entry);
  if (last === undefined) return {};
  const { iteration, phase } = last;
  const step = entries.findLast(
    (entry) =>
      entry.type === 'undone' || (entry.type === 'step' && entry.iteration === iteration && entry.phase === phase),
  );
  return { at: { iteration, phase, ...(step?.type === 'step' ? { step: step.step } : {}) } };
}

function pick({ preset, arm, seed, model, iterations }: NonNullable<RunState['config']>) {
  return { preset, arm, seed, model, iterations };
}
