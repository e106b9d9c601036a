import { clusterTexts } from './clusters.ts';
import { InvalidArgument } from './errors.ts';
import type { Linkage } from './linkage.ts';
import { SIMILARITIES, type Similarity, type SimilarityName } from './similarity.ts';

/** How repetition is measured, as data; see {@link RepetitionOptions}. */
export interface RepetitionRule {
  readonly similarity: SimilarityName;
  readonly threshold: number;
  readonly linkage: Linkage;
  /** How many of the questions last kept in earlier iterations count in the clusters; 0 is none, as in the paper. */
  readonly memory: number;
}

/** How repetition in a batch is measured. */
export interface RepetitionOptions {
  /** By name, or one of your own. Default `bleu`, the paper's. */
  readonly similarity?: SimilarityName | Similarity;
  /** Questions are joined while their clusters are nearer than this, (0, 1]. Default 0.5, the paper's tau_BLEU. */
  readonly threshold?: number;
  /** Default `average`, that of the published code. */
  readonly linkage?: Linkage;
  /**
   * Questions of earlier steps. They come before the batch and count as members of clusters, so asking again what was
   * asked before costs as much as asking it twice in a batch. Default none, as in the paper.
   */
  readonly memory?: readonly string[];
  /** The size that shares are of, where it counts more than these questions (malformed ones, say). Default their number. */
  readonly batch?: number;
}

/**
 * The share of the batch that says the same as each question, |C_k| / B: R-Zero's repetition penalty for lambda = 1
 * (arXiv 2508.05004, "repetition penalty").
 *
 * With `bleu`, the distance of two questions depends on which comes first, and a question without words is alone in its
 * cluster. Copies of a question of four words or more are always in one cluster; but with average linkage one more copy
 * can push others out of it, and so make it smaller.
 *
 * Takes time with the square of the questions, remembered ones included, and, where ties need all distances, 4 bytes of
 * memory times that square.
 *
 * @returns one share a question, in (0, 1]; at most 1 even where remembered members make a cluster larger than the batch
 * @throws InvalidArgument naming the option, the value seen and what is allowed
 */
export function repetitionShares(questions: readonly string[], options: RepetitionOptions = {}): number[] {
  const { similarity = 'bleu', threshold = 0.5, linkage = 'average', memory = [], batch = questions.length } = options;
  if (!(threshold > 0 && threshold <= 1)) {
    throw new InvalidArgument(`repetitionShares: threshold is ${threshold}, allowed is (0, 1]`);
  }
  if (!(batch >= questions.length)) {
    throw new InvalidArgument(`repetitionShares: batch is ${batch}, allowed is ${questions.length} or more`);
  }
  const measure = typeof similarity === 'string' ? SIMILARITIES[similarity] : similarity;
  if (measure === undefined) {
    const names = Object.keys(SIMILARITIES).join(', ');
    throw new InvalidArgument(
      `repetitionShares: similarity is ${similarity}, allowed are ${names} and one of your own`,
    );
  }
  const labels = clusterTexts([...memory, ...questions], { similarity: measure, threshold, linkage });
  const members = new Map<number, number>();
  for (const label of labels) members.set(label, (members.get(label) ?? 0) + 1);
  return questions.map((_, k) => Math.min(1, (members.get(labels[memory.length + k] as number) as number) / batch));
}
