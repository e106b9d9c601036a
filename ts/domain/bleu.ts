import { BleuScore, ORDERS, SMOOTHING } from './bleuScore.ts';
import { type Comparison, nearInRow, type Similarity } from './comparison.ts';
import { countMatches, indexNgrams, listMatches, matchesOfPair, type Ngrams } from './ngrams.ts';
import { words } from './words.ts';

/**
 * 1 - sentence BLEU, as NLTK's `sentence_bleu` with `SmoothingFunction().method1` on whitespace-separated words computes
 * it, roundings included. One-way: as in R-Zero's published code each pair is scored once, the earlier text as the
 * hypothesis and the later one as the reference.
 *
 * As in NLTK, texts without a common word have d = 1 (so have empty ones), and n-grams longer than a text count as
 * 0.1 matches of 1: equal texts of fewer than four words are not at distance 0 (for one word it is 0.82).
 *
 * Matches are counted through an index from n-grams to texts, so a pair costs what it shares, not what it holds.
 */
export const bleu: Similarity = {
  symmetric: false,
  compare: (texts) => new BleuComparison(texts.map(words)),
};

/** Up to this share of the texts, pair after pair is cheaper than a whole row. */
const FEW = 1 / 4;

class BleuComparison implements Comparison {
  readonly size: number;
  private readonly lengths: Int32Array;
  private readonly index: readonly Ngrams[];
  /** Clipped matches of the text in hand with each later text, by order. */
  private readonly matched: readonly Int32Array[];
  private readonly candidates: Int32Array;
  private readonly score: BleuScore;

  constructor(texts: readonly string[][]) {
    this.size = texts.length;
    this.lengths = Int32Array.from(texts, (text) => text.length);
    this.index = indexNgrams(texts, ORDERS);
    this.matched = this.index.map(() => new Int32Array(texts.length));
    this.candidates = new Int32Array(texts.length);
    this.score = new BleuScore(this.lengths.reduce((longest, length) => Math.max(longest, length), 0));
  }

  row(i: number, into: Float64Array, at: number): void {
    const { size, lengths, score } = this;
    const [ones, twos, threes, fours] = this.matched as [Int32Array, Int32Array, Int32Array, Int32Array];
    const [common1, common2, common3, common4] = this.index.map((ngrams, order) =>
      countMatches(ngrams, i, this.matched[order] as Int32Array),
    ) as [number, number, number, number];
    score.ofHypothesis(lengths[i] as number);
    for (let j = i + 1, k = at; j < size; j++, k++) {
      into[k] =
        1 -
        score.against(
          lengths[j] as number,
          (ones[j] as number) + common1,
          (twos[j] as number) + common2,
          (threes[j] as number) + common3,
          (fours[j] as number) + common4,
        );
    }
    for (const counts of this.matched) counts.fill(0, i + 1);
  }

  /**
   * No factor of BLEU is above 1, so any of them bound it. Where a smoothed precision of 4-grams would be too low, only
   * texts with a common 4-gram are looked at, and shorter n-grams counted only while the longer ones leave a chance.
   */
  near(i: number, limit: number, found: Int32Array, isKnown: (j: number) => boolean): number {
    const { candidates, index, lengths, score, size } = this;
    const length = lengths[i] as number;
    // A little less than what is needed, for the roundings of the bounds.
    const needed = (Math.max(0, 1 - limit) * (1 - 1e-9)) ** ORDERS;
    if (SMOOTHING / Math.max(1, length - 3) >= needed) return nearInRow(this, i, limit, found);
    score.ofHypothesis(length);
    const [unigrams, bigrams, trigrams, fourgrams] = index as [Ngrams, Ngrams, Ngrams, Ngrams];
    const shared = this.matched[3] as Int32Array;
    const sharing = listMatches(fourgrams, i, shared, candidates);
    const isFew = sharing <= (size - i) * FEW;
    let count = 0;
    for (let k = 0; k < sharing; k++) {
      const j = candidates[k] as number;
      const fours = shared[j] as number;
      shared[j] = 0;
      if (!isFew) continue;
      const brevity = score.brevity(lengths[j] as number);
      let bound = (fours / (length - 3)) * brevity * brevity * brevity * brevity;
      if (bound < needed || isKnown(j)) continue;
      const threes = matchesOfPair(trigrams, i, j);
      bound *= threes / (length - 2);
      if (bound < needed) continue;
      const twos = matchesOfPair(bigrams, i, j);
      bound *= twos / (length - 1);
      if (bound < needed) continue;
      const ones = matchesOfPair(unigrams, i, j);
      if (1 - score.against(lengths[j] as number, ones, twos, threes, fours) < limit) found[count++] = j;
    }
    return isFew ? count : nearInRow(this, i, limit, found);
  }
}
