import { InvalidArgument } from './errors.ts';
import { type Random, shuffled } from './random.ts';

/**
 * Batches for a phase of fixed length. The problems are drawn epoch by epoch, each epoch in a new
 * order, and the epochs are cut into batches back to back: no problem is seen twice before all are
 * seen once, none is left out, and too few problems are no error (a batch then holds some twice).
 *
 * @param batchSize items in every batch, at least 1
 * @param batches how many batches
 * @returns `batches` batches of `batchSize` items; [] when there are no problems
 */
export function problemBatches<T>(problems: readonly T[], batchSize: number, batches: number, random: Random): T[][] {
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new InvalidArgument(`problemBatches: batchSize is ${batchSize}, allowed are integers from 1`);
  }
  if (problems.length === 0) return [];
  const queue: T[] = [];
  const result: T[][] = [];
  for (let i = 0; i < batches; i++) {
    while (queue.length < batchSize) {
      for (const problem of shuffled(problems, random)) queue.push(problem);
    }
    result.push(queue.splice(0, batchSize));
  }
  return result;
}
