import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { pairedTest } from '../../../ts/domain/pairedTest.ts';
import { type Random, stream } from '../../../ts/domain/random.ts';

/** For tests that are exact. */
const noDraws: Random = () => {
  throw new Error('an exact test draws nothing');
};

const repeated = (value: number, times: number): number[] => Array.from({ length: times }, () => value);

/** The p-value by its definition, for integers. */
function byDefinition(values: readonly number[]): number {
  const observed = Math.abs(values.reduce((sum, value) => sum + value, 0));
  let asFar = 0;
  for (let signs = 0; signs < 2 ** values.length; signs++) {
    const sum = values.reduce((total, value, i) => total + ((signs >> i) & 1 ? -value : value), 0);
    if (Math.abs(sum) >= observed) asFar += 1;
  }
  return asFar / 2 ** values.length;
}

describe('pairedTest', () => {
  test("is McNemar's exact test for marks", () => {
    // 9 won, 2 lost, 20 alike: 2 (1 + 11 + 55) / 2^11.
    const differences = [...repeated(1, 9), ...repeated(-1, 2), ...repeated(0, 20)];
    expect(pairedTest(differences, noDraws)).toEqual({ difference: 7 / 31, pValue: 134 / 2048, method: 'exact' });
    expect(pairedTest(repeated(1, 5), noDraws).pValue).toBe(2 / 32);
    expect(pairedTest([1, -1], noDraws).pValue).toBe(1);
  });

  test('weighs all signs of differences in parts of 1 / k', () => {
    // With 1/2 kept positive: 1, 1/2, 1/2, 0, of which three are as far from 0 as 1/2.
    expect(pairedTest([0.5, 0.25, -0.25], noDraws).pValue).toBe(3 / 4);
    // 0.3 - 0.2 is not the double 0.1: 0.4, 0.2, 0.2, 0.
    expect(pairedTest([0.3 - 0.2, 0.1, 0.2], noDraws).pValue).toBe(1 / 4);
    // Of mean@3 and mean@32 together.
    expect(pairedTest([1 / 3, 1 / 32, 0], noDraws)).toMatchObject({ pValue: 1 / 2, method: 'exact' });
    // A unit of any size.
    expect(pairedTest(repeated(Math.PI, 6), noDraws).pValue).toBe(2 / 64);
  });

  test('enumerates a few differences without a common unit', () => {
    // With 1 kept positive: 1 -+ sqrt 2 -+ e: only 1 + sqrt 2 + e is as far as that.
    expect(pairedTest([1, Math.SQRT2, Math.E], noDraws)).toMatchObject({ pValue: 1 / 4, method: 'exact' });
    // 1 + sqrt 2 - e = -0.30: 5.13, -0.30, 2.30, -3.13, all as far.
    expect(pairedTest([1, Math.SQRT2, -Math.E], noDraws).pValue).toBe(1);
  });

  test('stays exact for many questions', () => {
    // sum of the binomial tail by its normal approximation: z = (200 - 1) / sqrt(10000) = 1.99, p = 0.0466.
    const marks = [...repeated(1, 5100), ...repeated(-1, 4900)];
    expect(pairedTest(marks, noDraws).pValue).toBeCloseTo(0.0466, 4);
    // 2^-1999 is smaller than any double, but not 0.
    const one = pairedTest(repeated(1 / 32, 2000), noDraws);
    expect(one.method).toBe('exact');
    expect(one.pValue).toBeGreaterThan(0);
    expect(one.pValue).toBeLessThan(1e-300);
  });

  test('draws signs where there are too many, and repeats with its stream', () => {
    const uniform = stream(1, 'differences');
    const differences = Array.from({ length: 200 }, () => uniform() - 0.48);
    const result = pairedTest(differences, stream(1, 'signs'));
    expect(result.method).toBe('monte-carlo');
    expect(pairedTest(differences, stream(1, 'signs'))).toEqual(result);
    // The normal approximation: z = sum / sqrt(sum of squares).
    const sum = differences.reduce((total, value) => total + value, 0);
    const z = sum / Math.sqrt(differences.reduce((total, value) => total + value * value, 0));
    // 2 (1 - Phi(1.616)) is 0.106; the standard error of the estimate is 0.003.
    expect(z).toBeCloseTo(1.616, 3);
    expect(Math.abs(result.pValue - 0.106)).toBeLessThan(0.01);
    // Never 0: at least 1 of 10,000.
    expect(pairedTest(differences.map(Math.abs), stream(1, 'signs')).pValue).toBe(1e-4);
  });

  test('nothing differs', () => {
    expect(pairedTest([0, 0, -0], noDraws)).toEqual({ difference: 0, pValue: 1, method: 'exact' });
    expect(pairedTest([], noDraws)).toEqual({ difference: Number.NaN, pValue: 1, method: 'exact' });
  });

  test('is its definition, whatever the unit', () => {
    const values = fc.array(fc.integer({ min: -6, max: 6 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(values, fc.constantFrom(1, 1 / 32, 1 / 3, 0.1, 7.7), (integers, unit) => {
        const { pValue, method } = pairedTest(
          integers.map((value) => value * unit),
          noDraws,
        );
        expect(method).toBe('exact');
        expect(pValue).toBeCloseTo(byDefinition(integers), 12);
      }),
    );
  });

  test('does not mind which model comes first, nor the order of the questions', () => {
    const values = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { maxLength: 12 });
    fc.assert(
      fc.property(values, (differences) => {
        const { pValue } = pairedTest(differences, noDraws);
        const turned = differences.map((value) => -value);
        expect(pValue).toBeGreaterThan(0);
        expect(pValue).toBeLessThanOrEqual(1);
        expect(pairedTest(turned, noDraws).pValue).toBeCloseTo(pValue, 12);
        expect(pairedTest(turned.reverse(), noDraws).pValue).toBeCloseTo(pValue, 12);
      }),
    );
  });

  test('refuses what is no number', () => {
    expect(() => pairedTest([0, Number.NaN], noDraws)).toThrow(/a difference is NaN, allowed are finite numbers/);
    expect(() => pairedTest([Number.POSITIVE_INFINITY], noDraws)).toThrow(InvalidArgument);
  });
});
