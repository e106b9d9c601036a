import { exp, log, sumOf4 } from './precise.ts';

/** BLEU-4 with uniform weights (Papineni et al. 2002). */
export const ORDERS = 4;

/** What a precision without any match counts instead of 0: smoothing method 1 of Chen and Cherry (2014), as in NLTK. */
export const SMOOTHING = 0.1;

/** How many results are remembered. */
const SLOT_BITS = 14;
const SLOTS = 1 << SLOT_BITS;

/**
 * `[total][matches]`: a quarter of the logarithm of the precision; NaN: not computed yet. Those of short texts are the
 * same few in each batch and stay; those of longer ones go with the batch, no larger together than its texts.
 */
const shortPrecisions: Float64Array[] = [];
const SHORT = 256;

/** Sentence BLEU of one hypothesis after another, from clipped matches. What depends on lengths is computed once. */
export class BleuScore {
  private length = 0;
  /** As {@link shortPrecisions}, of longer texts. */
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
    const slot = Math.imul(key + Math.imul(this.length, 0x85ebca6b), 0x9e3779b1) >>> (32 - SLOT_BITS);
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
