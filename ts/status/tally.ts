import type { JournalEntry } from '../ports/journal.ts';
import type { Phase } from '../ports/reporter.ts';
import type { Dated } from '../store/segments.ts';
import type { StatusDocument, Told } from './document.ts';

/** Messages that are kept of a kind. */
const KEPT = 5;

/** A phase as its last life has it. */
export interface PhaseTally {
  iteration: number;
  phase: Phase;
  /** The attempt that wrote of it last, when it did first, and how many steps there were then. */
  attempt: number;
  since: string;
  stepsBefore: number;
  /** Whether one attempt did all of it. */
  isWhole: boolean;
  answers: number;
  steps: number;
  /** When the last step was on record. */
  stepAt: string | null;
  metrics: Record<string, number | null>;
  done: Extract<JournalEntry, { type: 'done' }> | null;
}

/** What an attempt wrote last. */
export interface AttemptTally {
  last: string;
  end: Extract<JournalEntry, { type: 'end' }> | null;
}

/** What a journal says of its run, added up line by line: memory holds no more than there is to tell. */
export class Tally {
  readonly phases = new Map<string, PhaseTally>();
  readonly attempts = new Map<number, AttemptTally>();
  readonly warnings: StatusDocument['warnings'] = { count: 0, last: [] };
  readonly recoveries: Told = { count: 0, last: [] };
  readonly workers: Told = { count: 0, last: [] };
  config: object | null = null;

  add({ entry, attempt, at }: Dated): void {
    this.attempts.set(attempt, { last: at, end: entry.type === 'end' ? entry : null });
    if (entry.type === 'run') this.config = entry.config;
    else if (entry.type === 'recovery') tell(this.recoveries, { at, message: entry.message });
    else if (entry.type === 'workers') tell(this.workers, { at, message: entry.message });
    if (!('phase' in entry)) return;
    const { iteration, phase } = entry;
    if (entry.type === 'warning') {
      const { message, name = null, action = null } = entry;
      tell(this.warnings, { at, iteration, phase, message, name, action });
    }
    const key = `${iteration}/${phase}`;
    // It begins anew, at its old place.
    if (entry.type === 'undone') this.phases.set(key, begun(iteration, phase, attempt, at));
    const known = this.phases.get(key) ?? begun(iteration, phase, attempt, at);
    this.phases.set(key, known);
    if (known.attempt !== attempt) {
      Object.assign(known, { attempt, since: at, stepsBefore: known.steps, isWhole: false });
    }
    if (entry.type === 'answer') known.answers += 1;
    else if (entry.type === 'step') {
      known.steps = entry.step;
      known.stepAt = at;
      known.metrics = entry.metrics;
    } else if (entry.type === 'done') {
      known.done = entry;
      known.metrics = entry.metrics;
    }
  }
}

function begun(iteration: number, phase: Phase, attempt: number, since: string): PhaseTally {
  const nothing = { stepsBefore: 0, isWhole: true, answers: 0, steps: 0, stepAt: null, metrics: {}, done: null };
  return { iteration, phase, attempt, since, ...nothing };
}

function tell<T>(told: { count: number; last: T[] }, one: T): void {
  told.count += 1;
  told.last.push(one);
  if (told.last.length > KEPT) told.last.shift();
}
