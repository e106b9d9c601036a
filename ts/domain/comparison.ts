import { InvalidArgument } from './errors.ts';

/** A measure of how alike two texts are. */
export interface Similarity {
  /** Whether the distance of two texts stays the same when they change places. */
  readonly symmetric: boolean;
  /** Read the texts of a batch, to compare them. */
  compare(texts: readonly string[]): Comparison;
}

/** The texts of a batch, ready to be compared. The distance of texts i < j, in [0, 1], depends on these two alone. */
export interface Comparison {
  /** Texts. */
  readonly size: number;
  /** Write the distances of text i to the texts i + 1, i + 2, ... to `into[at]`, `into[at + 1]`, .... */
  row(i: number, into: Float64Array, at: number): void;
  /**
   * Write which texts after i are at a distance below `limit` to `found[0]`, `found[1]`, ..., and return how many. Those
   * for which `isKnown` may be left out. For similarities that find them faster than all distances.
   */
  near?(i: number, limit: number, found: Int32Array, isKnown: (j: number) => boolean): number;
}

/** All distances, in the order (0,1), (0,2), ..., (1,2), ...: n (n - 1) / 2 of them, 8 bytes each. */
export function condensed(comparison: Comparison): Float64Array {
  const n = comparison.size;
  const distances = new Float64Array((n * (n - 1)) / 2);
  for (let i = 0, at = 0; i < n; at += n - 1 - i, i++) comparison.row(i, distances, at);
  return distances;
}

/** As {@link Comparison.near}, for a similarity that has none. */
export function nearInRow(comparison: Comparison, i: number, limit: number, found: Int32Array): number {
  const rest = comparison.size - i - 1;
  const row = new Float64Array(rest);
  comparison.row(i, row, 0);
  let count = 0;
  for (let k = 0; k < rest; k++) {
    requireDistance(row[k] as number, i, i + 1 + k);
    if ((row[k] as number) < limit) found[count++] = i + 1 + k;
  }
  return count;
}

/** @throws InvalidArgument when a distance is none */
export function requireDistance(distance: number, i: number, j: number): void {
  if (!(distance >= 0 && distance < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgument(
      `the distance of items ${i} and ${j} is ${distance}, allowed is a finite number from 0 up`,
    );
  }
}
