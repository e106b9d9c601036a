import type { JournalEntry } from '../ports/journal.ts';
import type { Phase } from '../ports/reporter.ts';

type Entry<T extends JournalEntry['type']> = Extract<JournalEntry, { type: T }>;

/** What counts of a phase's entries. */
export interface PhaseRecord {
  iteration: number;
  phase: Phase;
  /** What was asked -> the object with its answer. */
  answers: Map<string, string>;
  /** Objects with what samples were paid. */
  credits: Set<string>;
  steps: Map<number, Entry<'step'>>;
  /** By step, the latest last. */
  checkpoints: Map<number, Entry<'checkpoint'>>;
  /** Absent while it is under way, or to be done again. */
  done?: Entry<'done'>;
}

/** Phases that ever began, in that order, each as its last life has it: what was undone does not count. */
export function phaseRecords(entries: readonly JournalEntry[]): PhaseRecord[] {
  const phases = new Map<string, PhaseRecord>();
  for (const entry of entries) {
    if (!('phase' in entry)) continue;
    const { iteration, phase } = entry;
    const key = `${iteration}/${phase}`;
    let record = phases.get(key);
    if (record === undefined || entry.type === 'undone') {
      record = {
        iteration,
        phase,
        answers: new Map(),
        credits: new Set(),
        steps: new Map(),
        checkpoints: new Map(),
      };
      phases.set(key, record);
    }
    if (entry.type === 'answer') record.answers.set(entry.key, entry.object);
    else if (entry.type === 'update') record.credits.add(entry.credit);
    else if (entry.type === 'step') record.steps.set(entry.step, entry);
    else if (entry.type === 'done') record.done = entry;
    else if (entry.type === 'checkpoint') {
      // One that was written again is the latest.
      record.checkpoints.delete(entry.step);
      record.checkpoints.set(entry.step, entry);
    }
  }
  return [...phases.values()];
}
