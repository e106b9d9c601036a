import { InvalidArgument } from './errors.ts';
import type { Random } from './random.ts';
import { mean } from './statistics.ts';

/** What a {@link pairedTest} found. */
export interface PairedTest {
  /** Mean of the differences; NaN for none. */
  difference: number;
  /** Two-sided, in (0, 1]. */
  pValue: number;
  /** Whether all choices of signs were weighed, or a random sample of them. */
  method: 'exact' | 'monte-carlo';
}

/** Random choices of signs where there are too many. */
const REPEATS = 9999;
/** Differences that have no common unit are enumerated up to this many: 2^15 choices of signs. */
const ENUMERATED = 16;
/** The finest common unit that is looked for, as a part of the largest difference. */
const PARTS = 1000;
/** Sums of two numbers that the exact distribution may take, twice over: about a second. */
const STEPS = 2e9;
/** How far differences that are equal may be apart by rounding, as a part of their unit. */
const ROUNDING = 1e-8;

/**
 * Sign-flip permutation test of the mean difference of two models over the same questions (Fisher 1935, The Design of
 * Experiments, section 21): were the models alike, each difference would as likely have the other sign. The p-value is
 * the share of all choices of signs whose mean is at least as far from 0. For differences of +1, 0 and -1 it is
 * McNemar's exact test (McNemar 1947), a binomial test on the questions that the models disagree in.
 *
 * Exact where the differences are multiples of a common unit, as those of mean@k are multiples of 1/k: the distribution
 * of the sum is then built up question by question. Exact by enumeration for up to 16 others. Else from 9,999 random
 * choices of signs, as (b + 1) / (9,999 + 1), which is never 0 and a valid p-value (Phipson and Smyth 2010).
 *
 * @param differences one a question, finite: a's value minus b's
 * @param random draws the signs where the test is not exact
 * @returns p = 1 where no difference is other than 0
 */
export function pairedTest(differences: readonly number[], random: Random): PairedTest {
  for (const value of differences) {
    if (!Number.isFinite(value))
      throw new InvalidArgument(`pairedTest: a difference is ${value}, allowed are finite numbers`);
  }
  const difference = mean(differences);
  // A difference of 0 is the same with either sign.
  const told = differences.filter((value) => value !== 0);
  const units = inUnits(told);
  if (units !== undefined) return { difference, pValue: exactly(units), method: 'exact' };
  if (told.length <= ENUMERATED) return { difference, pValue: byEnumeration(told), method: 'exact' };
  return { difference, pValue: bySampling(told, random), method: 'monte-carlo' };
}

/** The values as integers of a common unit; undefined where there is none or they are too many for it. */
function inUnits(values: readonly number[]): number[] | undefined {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (let parts = 1; parts <= PARTS; parts++) {
    const scale = parts / largest;
    if (!values.every((value) => Math.abs(value * scale - Math.round(value * scale)) < ROUNDING)) continue;
    const units = values.map((value) => Math.round(value * scale));
    const total = units.reduce((sum, unit) => sum + Math.abs(unit), 0);
    return total * units.length <= STEPS ? units : undefined;
  }
  return undefined;
}

/** The p-value from the distribution of the sum of integers with random signs. */
function exactly(units: readonly number[]): number {
  const sizes = units.map(Math.abs);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const observed = Math.abs(units.reduce((sum, unit) => sum + unit, 0));
  if (observed === 0) return 1;
  // chance[s]: that those with a positive sign add up to s. The sum of all is then 2 s - total.
  const chance = new Float64Array(total + 1);
  chance[0] = 1;
  let reached = 0;
  for (const size of sizes) {
    reached += size;
    for (let s = reached; s >= size; s--) chance[s] = ((chance[s] as number) + (chance[s - size] as number)) / 2;
    for (let s = size - 1; s >= 0; s--) chance[s] = (chance[s] as number) / 2;
  }
  let tail = 0;
  for (let s = 0; 2 * s - total <= -observed; s++) tail += chance[s] as number;
  // Both tails are alike. The smallest chance there is, 2^(1-n), may be too small for a double.
  return Math.min(1, Math.max(2 * tail, Number.MIN_VALUE));
}

/** The share of all choices of signs; that of the first value may stay as it is, since the test is two-sided. */
function byEnumeration([first = 0, ...rest]: readonly number[]): number {
  let sums = [first];
  for (const value of rest) sums = sums.flatMap((sum) => [sum + value, sum - value]);
  // The first is the one that was observed.
  const limit = farFrom0(sums[0] as number, [first, ...rest]);
  return sums.filter((sum) => Math.abs(sum) >= limit).length / sums.length;
}

function bySampling(values: readonly number[], random: Random): number {
  const limit = farFrom0(
    values.reduce((sum, value) => sum + value, 0),
    values,
  );
  let asFar = 0;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    let sum = 0;
    for (const value of values) sum += random() < 0.5 ? value : -value;
    if (Math.abs(sum) >= limit) asFar += 1;
  }
  return (asFar + 1) / (REPEATS + 1);
}

/** What a sum is as far from 0 as `observed` from: the rounding of sums that are equal is forgiven. */
function farFrom0(observed: number, values: readonly number[]): number {
  return Math.abs(observed) - ROUNDING * values.reduce((sum, value) => sum + Math.abs(value), 0);
}
