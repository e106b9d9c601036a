import { permutation, stream } from '../domain/random.ts';
import type { LoopContext } from './context.ts';
import type { KeptCandidate } from './labelling.ts';

/**
 * How many of an iteration's pseudo-labels are right, by a sample of the kept questions, where that is asked for
 * (`warnings.labels.audit`) and the exam's domain knows. The share goes on record for early warnings: nothing of it
 * reaches rewards, gates or training.
 */
export function auditLabels(
  { settings, exam }: LoopContext,
  iteration: number,
  kept: readonly KeptCandidate[],
): Record<string, number> {
  const { audit } = settings.warnings.labels;
  if (audit === 0 || kept.length === 0 || exam.labelAccuracy === undefined) return {};
  const order = permutation(kept.length, stream(settings.seed, 'warnings', 'audit', iteration));
  const sample = Array.from(order.slice(0, audit), (index) => {
    const { question, label } = kept[index] as KeptCandidate;
    return { question, label };
  });
  return { labelAccuracy: exam.labelAccuracy(sample), labelsAudited: sample.length };
}
