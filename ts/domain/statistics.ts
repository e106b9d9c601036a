import { InvalidArgument } from './errors.ts';
import type { Random } from './random.ts';
import { studentTQuantile } from './studentT.ts';

/** Lower and upper end. */
export type Interval = [number, number];

/** The 97.5 % quantile of the standard normal distribution. */
const Z_95 = 1.959963984540054;

/** Arithmetic mean; NaN for no values, since no number would be true. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** Unbiased standard deviation (divided by n - 1); 0 for a single value, NaN for none. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return values.length === 1 ? 0 : Number.NaN;
  const center = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - center) ** 2;
  return Math.sqrt(sum / (values.length - 1));
}

/**
 * 95 % Wilson score interval of a proportion (Wilson 1927): inside [0, 1] and of sensible width at 0 and n
 * successes too, where the normal approximation has width 0.
 *
 * @param n trials; 0 gives [0, 1]: nothing is known
 */
export function wilsonInterval(successes: number, n: number): Interval {
  if (!(successes >= 0 && successes <= n)) {
    throw new InvalidArgument(`wilsonInterval: ${successes} successes of ${n}, allowed are 0 to n`);
  }
  if (n === 0) return [0, 1];
  const p = successes / n;
  const z2 = Z_95 * Z_95;
  const center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z_95 * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
  // At the ends the bound is exactly 0 or 1; rounding may miss it.
  return [successes === 0 ? 0 : center - half, successes === n ? 1 : center + half];
}

/**
 * Percentile bootstrap interval of a mean, resampling questions (Efron and Tibshirani 1993, chapter 13).
 * Samples of one question are not independent, so give one value a question: the mean over its samples.
 *
 * @param repeats resamples, at least 1
 * @param level coverage, in (0, 1)
 * @returns [NaN, NaN] for no values
 */
export function bootstrapInterval(
  valuesPerQuestion: readonly number[],
  random: Random,
  repeats = 2000,
  level = 0.95,
): Interval {
  return macroInterval([valuesPerQuestion], random, repeats, level);
}

/**
 * The same of a macro average, the mean of the benchmarks' means: the questions of each benchmark are resampled apart
 * (Efron and Tibshirani 1993, section 8.3, several samples), since which benchmarks there are was not drawn.
 *
 * @param valuesByBenchmark one value a question, benchmark by benchmark
 * @param repeats resamples, at least 1
 * @param level coverage, in (0, 1)
 * @returns [NaN, NaN] for no benchmarks, or one without values
 */
export function macroInterval(
  valuesByBenchmark: readonly (readonly number[])[],
  random: Random,
  repeats = 2000,
  level = 0.95,
): Interval {
  requireLevel('bootstrap interval', level);
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new InvalidArgument(`bootstrap interval: repeats is ${repeats}, allowed are integers from 1`);
  }
  const draws = new Float64Array(repeats);
  for (let repeat = 0; repeat < repeats; repeat++) {
    draws[repeat] = mean(valuesByBenchmark.map((values) => resampledMean(values, random)));
  }
  draws.sort();
  return [quantile(draws, (1 - level) / 2), quantile(draws, (1 + level) / 2)];
}

/** What two arms differ by. */
export interface PairedDifference {
  /** mean(a - b). */
  difference: number;
  /** Two-sided Student t interval of the difference; [-Infinity, Infinity] for a single pair. */
  interval: Interval;
}

/**
 * Mean difference of two arms that were run with the same seeds, with Student's t interval over the
 * pairs (n - 1 degrees of freedom). Pairing takes out what a seed does to both arms.
 *
 * @param a one value a seed
 * @param b the other arm's, in the same order of seeds
 * @param level coverage, in (0, 1)
 */
export function pairedDifference(a: readonly number[], b: readonly number[], level = 0.95): PairedDifference {
  if (a.length !== b.length || a.length === 0) {
    throw new InvalidArgument(`pairedDifference: ${a.length} and ${b.length} values, allowed are equal numbers from 1`);
  }
  requireLevel('pairedDifference', level);
  const differences = a.map((value, i) => value - (b[i] as number));
  const difference = mean(differences);
  const n = differences.length;
  if (n === 1) return { difference, interval: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] };
  const half = (studentTQuantile((1 + level) / 2, n - 1) * standardDeviation(differences)) / Math.sqrt(n);
  return { difference, interval: [difference - half, difference + half] };
}

/** Mean of as many values, drawn with replacement. */
function resampledMean(values: readonly number[], random: Random): number {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[Math.floor(random() * n)] as number;
  return sum / n;
}

/** Quantile of sorted values, linear between neighbours (type 7, the default of R and NumPy). */
function quantile(sorted: Float64Array, p: number): number {
  const position = p * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (position - below) * (high - low);
}

function requireLevel(name: string, level: number): void {
  if (!(level > 0 && level < 1)) throw new InvalidArgument(`${name}: level is ${level}, allowed is (0, 1)`);
}
