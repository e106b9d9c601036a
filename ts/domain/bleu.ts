import type { Comparison, Similarity } from './comparison.ts';
import { countMatches, indexNgrams, type Ngrams } from './ngrams.ts';
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

class BleuComparison implements Comparison {
  readonly size: number;
  private readonly lengths: Int32Array;
  private readonly index: readonly Ngrams[];
  /** Clipped matches of the text in hand with each other text, by order. */
  private readonly matched: readonly Int32Array[];
  private readonly precisions = new LogPrecisions();
  private readonly brevity: Brevity;

  constructor(texts: readonly string[][]) {
    this.size = texts.length;
    this.lengths = Int32Array.from(texts, (text) => text.length);
    this.index = indexNgrams(texts, ORDERS);
    this.matched = this.index.map(() => new Int32Array(texts.length));
    this.brevity = new Brevity(this.lengths.reduce((longest, length) => Math.max(longest, length), 0));
  }

  row(i: number, into: Float64Array, at: number): void {
    const { size, lengths, brevity, precisions } = this;
    for (let order = 0; order < ORDERS; order++) {
      countMatches(this.index[order] as Ngrams, i, this.matched[order] as Int32Array);
    }
    const [ones, twos, threes, fours] = this.matched as [Int32Array, Int32Array, Int32Array, Int32Array];
    const length = lengths[i] as number;
    brevity.ofHypothesis(length);
    const first = precisions.outOf(length);
    const second = precisions.outOf(length - 1);
    const third = precisions.outOf(length - 2);
    const fourth = precisions.outOf(length - 3);
    for (let j = i + 1, k = at; j < size; j++, k++) {
      if (ones[j] === 0) {
        into[k] = 1;
        continue;
      }
      const mean = sumOf4(
        precisions.log(first, ones[j] as number),
        precisions.log(second, twos[j] as number),
        precisions.log(third, threes[j] as number),
        precisions.log(fourth, fours[j] as number),
      );
      into[k] = 1 - brevity.against(lengths[j] as number) * exp(mean);
    }
    for (const counts of this.matched) counts.fill(0, i + 1);
  }
}

/** Quarters of the logarithms of precisions, each computed once. Tables together are as long as the texts at most. */
class LogPrecisions {
  /** `[total][matches]`; NaN: not computed yet. */
  private readonly tables: Float64Array[] = [];

  /** The table for a text's number of n-grams; as in NLTK, none counts as one. */
  outOf(total: number): Float64Array {
    const size = Math.max(1, total);
    this.tables[size] ??= new Float64Array(size + 1).fill(Number.NaN);
    return this.tables[size];
  }

  log(table: Float64Array, matches: number): number {
    const known = table[matches] as number;
    return known === known ? known : this.compute(table, matches);
  }

  private compute(table: Float64Array, matches: number): number {
    const value = log((matches || SMOOTHING) / (table.length - 1)) / ORDERS;
    table[matches] = value;
    return value;
  }
}

/** The brevity penalties of one hypothesis, each computed once. */
class Brevity {
  private hypothesis = 0;
  /** By length of the reference; NaN: not computed yet. */
  private readonly penalties: Float64Array;

  constructor(longest: number) {
    this.penalties = new Float64Array(longest + 1).fill(Number.NaN);
  }

  ofHypothesis(length: number): void {
    if (length === this.hypothesis) return;
    this.hypothesis = length;
    this.penalties.fill(Number.NaN);
  }

  /** exp(1 - r / h) where the hypothesis is shorter than the reference, else 1. */
  against(reference: number): number {
    if (this.hypothesis >= reference) return 1;
    const known = this.penalties[reference] as number;
    if (known === known) return known;
    const penalty = exp(1 - reference / this.hypothesis);
    this.penalties[reference] = penalty;
    return penalty;
  }
}
