/** A measure of how alike two texts are, as a distance in [0, 1]. */
export interface Similarity {
  /** Whether the distance of two texts stays the same when they change places. */
  readonly symmetric: boolean;
  /** Reads all texts of a batch, ready to be compared. */
  compare(texts: readonly string[]): Comparison;
}

/** The texts of a batch, ready to be compared. The distance of texts i < j depends on these two alone. */
export interface Comparison {
  /** Texts. */
  readonly size: number;
  /** Write the distances of text i to the texts i + 1, i + 2, ... to `into[at]`, `into[at + 1]`, .... */
  row(i: number, into: Float64Array, at: number): void;
}

/** All distances, [0, 1], in the order (0,1), (0,2), ..., (1,2), ...: n (n - 1) / 2 of them. */
export function condensed(comparison: Comparison): Float64Array {
  const n = comparison.size;
  const distances = new Float64Array((n * (n - 1)) / 2);
  for (let i = 0, at = 0; i < n; at += n - 1 - i, i++) comparison.row(i, distances, at);
  return distances;
}
