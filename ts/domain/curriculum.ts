import { InvalidArgument } from './errors.ts';
import { type Random, shuffled } from './random.ts';

/** In which order the Solver meets the kept questions: anew at random in each epoch, as they were asked, or by their agreement. */
export const ORDERS = ['shuffled', 'asked', 'easy-first', 'hard-first'] as const;
export type Order = (typeof ORDERS)[number];

/**
 * What happens when fewer questions are kept than a batch of the Solver holds:
 * - `repeat`: batches stay full, and hold some questions several times.
 * - `shrink`: batches hold what there is.
 * - `resample`: the Challenger is asked for as many candidates again, a few times; then `shrink`.
 * - `stop`: the run ends, and says why.
 * With none at all the Solver is not trained in this iteration, except by `stop`.
 */
export const SHORTFALLS = ['repeat', 'shrink', 'resample', 'stop'] as const;
export type Shortfall = (typeof SHORTFALLS)[number];

/** Kept questions in the order of an epoch, before any shuffling; those of equal agreement stay as they are. */
export function inOrder<T extends { agreement: number }>(kept: readonly T[], order: Order): T[] {
  if (order === 'easy-first') return kept.toSorted((a, b) => b.agreement - a.agreement);
  if (order === 'hard-first') return kept.toSorted((a, b) => a.agreement - b.agreement);
  return [...kept];
}

/**
 * Batches for a phase of fixed length. The problems are drawn epoch by epoch, each epoch in a new
 * order, and the epochs are cut into batches back to back: no problem is seen twice before all are
 * seen once, none is left out, and too few problems are no error (a batch then holds some twice).
 *
 * @param batchSize items in every batch, at least 1
 * @param batches how many batches
 * @param random null keeps the given order in every epoch
 * @returns `batches` batches of `batchSize` items; [] when there are no problems
 */
export function problemBatches<T>(
  problems: readonly T[],
  batchSize: number,
  batches: number,
  random: Random | null,
): T[][] {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new InvalidArgument(`problemBatches: batchSize is ${batchSize}, allowed are integers from 1`);
  }
  if (problems.length === 0) return [];
  const queue: T[] = [];
  const result: T[][] = [];
  for (let i = 0; i < batches; i++) {
    while (queue.length < batchSize) {
      for (const problem of random === null ? problems : shuffled(problems, random)) queue.push(problem);
    }
    result.push(queue.splice(0, batchSize));
  }
  return result;
}
