import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { pairedTest } from '../../../ts/domain/pairedTest.ts';
import { passAtK } from '../../../ts/domain/passAtK.ts';
import { stream } from '../../../ts/domain/random.ts';
import { type Interval, macroInterval, mean, wilsonInterval } from '../../../ts/domain/statistics.ts';

/** What SciPy, statsmodels and NumPy say: made by reference.py beside it. */
const reference = JSON.parse(
  readFileSync(new URL('../../fixtures/evaluation/reference.json', import.meta.url), 'utf8'),
) as {
  repeats: number;
  passAtK: { samples: number; correct: number; k: number; value: number }[];
  wilson: { successes: number; n: number; interval: Interval }[];
  mcnemar: { won: number; lost: number; p: number }[];
  paired: { differences: number[]; p: number; error: number }[];
  example: Record<string, Record<string, Bootstrapped | { wilson: Interval }>>;
};

/** Values of each benchmark; where both ends of the interval must be, by the exact distribution. */
interface Bootstrapped {
  value: number;
  values: number[][];
  within: [Interval, Interval];
}

test.each(reference.passAtK)("pass@$k of $correct among $samples is NumPy's", ({ samples, correct, k, value }) => {
  expect(passAtK(samples, correct, k)).toBeCloseTo(value, 12);
});

test.each(reference.wilson)("Wilson's interval of $successes of $n is SciPy's", ({ successes, n, interval }) => {
  const [low, high] = wilsonInterval(successes, n);
  expect(low).toBeCloseTo(interval[0], 12);
  expect(high).toBeCloseTo(interval[1], 12);
});

describe('the paired test', () => {
  test.each(reference.mcnemar)(
    "of marks, $won won and $lost lost, is statsmodels' McNemar test",
    ({ won, lost, p }) => {
      const marks = Array.from({ length: won + lost + 10 }, (_, i) => (i < won ? 1 : i < won + lost ? -1 : 0));
      const { pValue, method } = pairedTest(marks, stream(1));
      expect(method).toBe('exact');
      expect(pValue / p).toBeCloseTo(1, 9);
    },
  );

  test.each(reference.paired.map((each) => ({ ...each, n: each.differences.length })))(
    "of $n differences is SciPy's permutation test",
    ({ differences, p, error }) => {
      const { pValue, method } = pairedTest(differences, stream(1));
      expect(method).toBe('exact');
      expect(Math.abs(pValue - p)).toBeLessThanOrEqual(error + 1e-12);
    },
  );
});

describe('the bootstrap interval', () => {
  const cases = Object.entries(reference.example).flatMap(([figure, sides]) =>
    Object.entries(sides).flatMap(([side, each]) => ('values' in each ? [{ figure, side, ...each }] : [])),
  );

  test.each(cases)('of $figure, $side, has its ends where the exact distribution has them', (each) => {
    const { values, within, value } = each;
    const ends = macroInterval(values, stream(1), reference.repeats);
    for (const [i, [low, high]] of within.entries()) {
      expect(ends[i]).toBeGreaterThan(low - 1e-9);
      expect(ends[i]).toBeLessThan(high + 1e-9);
    }
    expect(mean(values.map(mean))).toBeCloseTo(value, 12);
  });

  test('is tried on a dozen figures and more', () => {
    expect(cases.length).toBeGreaterThan(12);
    expect(cases.some(({ values }) => values.length === 2)).toBe(true);
  });
});
