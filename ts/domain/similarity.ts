import { bleu } from './bleu.ts';
import { condensed, type Similarity } from './comparison.ts';
import { jaccard } from './jaccard.ts';

export type { Comparison, Similarity } from './comparison.ts';

/** Similarities by the names that a configuration gives them. */
export const SIMILARITIES = { bleu, jaccard } as const satisfies Record<string, Similarity>;

export type SimilarityName = keyof typeof SIMILARITIES;

/**
 * Pairwise distances d = 1 - BLEU of R-Zero's repetition penalty; for i < j, text i is the hypothesis and text j the
 * reference.
 *
 * @returns condensed distances, [0, 1], in the order (0,1), (0,2), ..., (1,2), ...: n (n - 1) / 2 of them
 */
export function bleuDistances(texts: readonly string[]): Float64Array {
  return condensed(bleu.compare(texts));
}
