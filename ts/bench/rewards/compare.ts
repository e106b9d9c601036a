import { clusterShares } from '../../domain/clusters.ts';
import { repetitionShares } from '../../domain/repetition.ts';
import type { Cost } from './ours.ts';
import { questions } from './questions.ts';
import type { ReferenceRun } from './reference.ts';
import type { Comparison } from './table.ts';

/** Set one measurement of ours beside the reference, measured at the same size or at a smaller one. */
export function compare(cost: Cost, run: ReferenceRun): Comparison {
  const measuredAt = run.labels.length;
  const measured = measuredAt === cost.questions;
  // BLEU is computed for each pair; clustering is quadratic too.
  const scale = pairs(cost.questions) / pairs(measuredAt);
  const referenceSeconds = (run.distanceSeconds + run.clusterSeconds) * scale;
  return {
    questions: cost.questions,
    referenceSeconds,
    measured,
    firstSeconds: cost.firstSeconds,
    seconds: cost.seconds,
    ratio: referenceSeconds / cost.seconds,
    firstRatio: referenceSeconds / cost.firstSeconds,
    ...(measured ? { isEqual: isEqual(questions(cost.set, cost.questions), run.labels) } : {}),
  };
}

function isEqual(batch: readonly string[], labels: readonly number[]): boolean {
  const expected = clusterShares(Int32Array.from(labels));
  return repetitionShares(batch).every((share, k) => share === expected[k]);
}

function pairs(n: number): number {
  return (n * (n - 1)) / 2;
}
