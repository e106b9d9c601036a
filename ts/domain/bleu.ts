import { type Comparison, nearInRow, type Similarity } from './comparison.ts';
import { countMatches, indexNgrams, listMatches, matchesOfPair, type Ngrams } from './ngrams.ts';
import { exp, log, sumOf4 } from './precise.ts';
import { words } from './words.ts';

/** BLEU-4 with uniform weights (Papineni et al. 2002). */
const ORDERS = 4;

/** What a precision without any match counts instead of 0: smoothing method 1 of Chen and Cherry (2014), as in NLTK. */
const SMOOTHING = 0.1;

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

const SLOT_BITS = 14;
const SLOTS = 1 << SLOT_BITS;
const SLOT_SHIFT = 32 - SLOT_BITS;

/** Up to this share of the texts, pair after pair is cheaper than a whole row. */
const FEW = 1 / 2;

class BleuComparison implements Comparison {
  readonly size: number;
  private readonly lengths: Int32Array;
  private readonly index: readonly Ngrams[];
  /** Clipped matches of the text in hand with each later text, by order. */
  private readonly matched: readonly Int32Array[];
  private readonly candidates: Int32Array;
  private readonly score: Score;

  constructor(texts: readonly string[][]) {
    this.size = texts.length;
    this.lengths = Int32Array.from(texts, (text) => text.length);
    this.index = indexNgrams(texts, ORDERS);
    this.matched = this.index.map(() => new Int32Array(texts.length));
    this.candidates = new Int32Array(texts.length);
    this.score = new Score(this.lengths.reduce((longest, length) => Math.max(longest, length), 0));
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
    const needed = ((1 - limit) * (1 - 1e-9)) ** ORDERS;
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

/**
 * `[total][matches]`: a quarter of the logarithm of the precision; NaN: not computed yet. Those of short texts are the
 * same few in each batch and stay; those of longer ones go with the batch, no larger together than its texts.
 */
const shortPrecisions: Float64Array[] = [];
const SHORT = 256;

/** Sentence BLEU of one hypothesis after another, from clipped matches. What depends on lengths is computed once. */
class Score {
  private length = 0;
  private readonly longPrecisions: Float64Array[] = [];
  /** Of the hypothesis in hand, by order. */
  private first = this.outOf(1);
  private second = this.outOf(1);
  private third = this.outOf(1);
  private fourth = this.outOf(1);
  /** Results of {@link root}, the latest in each slot: most pairs of a batch match in the same few ways. */
  private readonly roots = new Float64Array(SLOTS);
  private readonly lengths = new Int32Array(SLOTS);
  /** One byte an order; no pair that is looked up has 0. */
  private readonly matches = new Int32Array(SLOTS);
  /** By length of the reference, for the hypothesis in hand; NaN: not computed yet. */
  private readonly brevities: Float64Array;

  constructor(longest: number) {
    this.brevities = new Float64Array(longest + 1);
  }

  ofHypothesis(length: number): void {
    if (length === this.length) return;
    this.length = length;
    this.brevities.fill(Number.NaN);
    this.first = this.outOf(length);
    this.second = this.outOf(length - 1);
    this.third = this.outOf(length - 2);
    this.fourth = this.outOf(length - 3);
  }

  /** BLEU, [0, 1]. @param length words of the reference */
  against(length: number, ones: number, twos: number, threes: number, fours: number): number {
    if (ones === 0) return 0;
    return this.brevity(length) * this.rememberedRoot(ones, twos, threes, fours);
  }

  private rememberedRoot(ones: number, twos: number, threes: number, fours: number): number {
    // Each longer n-gram that matches has a shorter one that does, so no number is above the first.
    if (ones > 255) return this.root(ones, twos, threes, fours);
    const key = ones | (twos << 8) | (threes << 16) | (fours << 24);
    const slot = Math.imul(key + Math.imul(this.length, 0x85ebca6b), 0x9e3779b1) >>> SLOT_SHIFT;
    if (this.matches[slot] === key && this.lengths[slot] === this.length) return this.roots[slot] as number;
    const root = this.root(ones, twos, threes, fours);
    this.matches[slot] = key;
    this.lengths[slot] = this.length;
    this.roots[slot] = root;
    return root;
  }

  /** The fourth root of the product of the precisions. */
  private root(ones: number, twos: number, threes: number, fours: number): number {
    return exp(
      sumOf4(
        quarter(this.first, ones),
        quarter(this.second, twos),
        quarter(this.third, threes),
        quarter(this.fourth, fours),
      ),
    );
  }

  /** exp(1 - r / h) where the hypothesis is shorter than the reference, else 1. @param length words of the reference */
  brevity(length: number): number {
    if (this.length >= length) return 1;
    const known = this.brevities[length] as number;
    if (!Number.isNaN(known)) return known;
    const penalty = exp(1 - length / this.length);
    this.brevities[length] = penalty;
    return penalty;
  }

  /** The table for a number of n-grams; as in NLTK, none counts as one. */
  private outOf(total: number): Float64Array {
    const size = Math.max(1, total);
    const tables = size <= SHORT ? shortPrecisions : this.longPrecisions;
    tables[size] ??= new Float64Array(size + 1).fill(Number.NaN);
    return tables[size];
  }
}

function quarter(table: Float64Array, matches: number): number {
  const known = table[matches] as number;
  if (!Number.isNaN(known)) return known;
  const value = log((matches || SMOOTHING) / (table.length - 1)) / ORDERS;
  table[matches] = value;
  return value;
}
