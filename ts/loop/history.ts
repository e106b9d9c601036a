import type { Journal, JournalEntry, Storable } from '../ports/journal.ts';
import type { Phase } from '../ports/reporter.ts';

type Entry<T extends JournalEntry['type']> = Extract<JournalEntry, { type: T }>;

/** What is on record of one phase. */
export interface PhaseHistory {
  /** Whether it has ever begun. */
  begun: boolean;
  /** What was asked, by its digest -> the object with the answer. */
  readonly answers: Map<string, string>;
  /** `step.update` -> the update that was going to be made. */
  readonly updates: Map<string, Entry<'update'>>;
  readonly steps: Map<number, Entry<'step'>>;
  /** Points it can go on from, the earliest first. */
  readonly checkpoints: Entry<'checkpoint'>[];
  /** Warnings that were given: early ones by their name, others by what they say. */
  readonly warnings: Set<string>;
  done?: Entry<'done'>;
}

/**
 * What a run has behind it, phase by phase: the journal as the loop asks it. Whoever replays records the same things
 * again; what is on record already is not recorded twice.
 */
export class History {
  readonly journal: Journal;
  private readonly phases = new Map<string, PhaseHistory>();
  private readonly iterations = new Map<number, Entry<'iteration'>>();
  private recorded = 0;

  constructor(journal: Journal) {
    this.journal = journal;
    for (const entry of journal.entries) this.fold(entry);
  }

  /** Entries of work that were recorded here: it grows when the run gets on. */
  get size(): number {
    return this.recorded;
  }

  /** Of one phase; it changes with what is recorded. */
  phase(iteration: number, phase: Phase): PhaseHistory {
    const key = `${iteration}/${phase}`;
    let history = this.phases.get(key);
    if (history === undefined) {
      history = {
        begun: false,
        answers: new Map(),
        updates: new Map(),
        steps: new Map(),
        checkpoints: [],
        warnings: new Set(),
      };
      this.phases.set(key, history);
    }
    return history;
  }

  /** Phases that are over, in the order in which they ended. */
  get done(): Entry<'done'>[] {
    return [...this.phases.values()].flatMap(({ done }) => done ?? []);
  }

  /** Which weights an iteration starts from, where it has begun. */
  iteration(iteration: number): Entry<'iteration'> | undefined {
    return this.iterations.get(iteration);
  }

  /** See {@link Journal.append}. */
  record(entry: JournalEntry, durable = false): void {
    this.journal.append(entry, durable);
    if (entry.type !== 'recovery') this.recorded += 1;
    this.fold(entry);
  }

  /** See {@link Journal.put}. */
  put(value: Storable): string {
    return this.journal.put(value);
  }

  private fold(entry: JournalEntry): void {
    if (entry.type === 'iteration') this.iterations.set(entry.iteration, entry);
    if (!('phase' in entry)) return;
    const history = this.phase(entry.iteration, entry.phase);
    if (entry.type === 'phase') history.begun = true;
    else if (entry.type === 'answer') history.answers.set(entry.key, entry.object);
    else if (entry.type === 'update') history.updates.set(`${entry.step}.${entry.update}`, entry);
    else if (entry.type === 'step') history.steps.set(entry.step, entry);
    else if (entry.type === 'checkpoint') history.checkpoints.push(entry);
    else if (entry.type === 'warning') history.warnings.add(entry.name ?? entry.message);
    else if (entry.type === 'done') history.done = entry;
    // It begins anew: nothing of it counts.
    else if (entry.type === 'undone') this.phases.delete(`${entry.iteration}/${entry.phase}`);
  }
}

/** Figures as they were before JSON, which has no NaN. */
export function asNumbers(metrics: Readonly<Record<string, number | null>>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN]));
}
