import type { JournalEntry, ModelMark } from '../ports/journal.ts';
import { bestIteration } from './needed.ts';
import { phaseRecords } from './phaseRecords.ts';

export type Role = 'challenger' | 'solver';

/** Which iteration's model: a number, the last iteration that is over, or the one whose Solver sat the exam best. */
export type WhichIteration = number | 'last' | 'best';

/**
 * A model that a run has made.
 *
 * @throws RangeError saying what there is, where there is no such model
 */
export function chooseModel(
  entries: readonly JournalEntry[],
  role: Role,
  which: WhichIteration,
): { iteration: number; model: ModelMark } {
  const phases = phaseRecords(entries);
  const made = new Map<number, ModelMark>();
  for (const { iteration, phase, done } of phases) {
    if (phase === role && done?.model !== undefined) made.set(iteration, done.model);
  }
  if (made.size === 0) throw new RangeError(`no ${role} is trained yet`);
  const measured = phases.flatMap(({ iteration, phase, done }) =>
    phase === 'evaluation' && done !== undefined && iteration > 0 ? [iteration] : [],
  );
  const last = measured.findLast((iteration) => made.has(iteration));
  const iteration = which === 'last' ? last : which === 'best' ? bestIteration(phases) : which;
  if (iteration === undefined) {
    throw new RangeError(
      `no iteration is over yet; made so far is the ${role} of iteration ${[...made.keys()].join(', ')}`,
    );
  }
  const model = made.get(iteration);
  if (model === undefined) {
    throw new RangeError(`there is no ${role} of iteration ${iteration}, but of ${[...made.keys()].join(', ')}`);
  }
  return { iteration, model };
}

/** The last iteration whose evaluation is over; 0 where that is the base model's, undefined where there is none. */
export function lastMeasured(entries: readonly JournalEntry[]): number | undefined {
  return phaseRecords(entries).findLast(({ phase, done }) => phase === 'evaluation' && done !== undefined)?.iteration;
}
