import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { passAtK } from '../../../ts/domain/passAtK.ts';

/** n, c and k with c <= n and 1 <= k <= n. */
const draws = fc
  .integer({ min: 1, max: 12 })
  .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n }), fc.integer({ min: 1, max: n })));

describe('passAtK', () => {
  test.each([
    // Of the 6 pairs out of 4 samples one misses both right ones.
    [4, 2, 2, 5 / 6],
    // The right one of 5 is in 4 of the 10 pairs.
    [5, 1, 2, 0.4],
    [8, 3, 1, 3 / 8],
    [8, 0, 8, 0],
    [8, 1, 8, 1],
    [3, 2, 2, 1],
    // 1 - (9900 * 9899 * 9898) / (10000 * 9999 * 9998)
    [10_000, 3, 100, 1 - (9900 * 9899 * 9898) / (10_000 * 9999 * 9998)],
  ])('of %d samples %d right, %d tries', (n, c, k, expected) => {
    expect(passAtK(n, c, k)).toBeCloseTo(expected, 14);
  });

  test('keeps its digits where almost none or almost all hit', () => {
    expect(passAtK(1_000_000_000, 1, 1)).toBe(1e-9);
    expect(passAtK(1_000_000, 500_000, 1000)).toBe(1);
    // 1 - C(999998, 2) / C(1000000, 2) = 1 - (999998 * 999997) / (1000000 * 999999) = 3999994 / 999999000000
    expect(passAtK(1_000_000, 2, 2) / (3_999_994 / 999_999_000_000)).toBeCloseTo(1, 14);
  });

  test('is the share of all k-subsets that hold a right sample', () => {
    fc.assert(
      fc.property(draws, ([n, c, k]) => {
        let [all, hits] = [0, 0];
        for (let subset = 0; subset < 2 ** n; subset++) {
          const chosen = Array.from({ length: n }, (_, i) => (subset >> i) & 1);
          if (chosen.reduce((sum, bit) => sum + bit, 0) !== k) continue;
          all += 1;
          if (chosen.slice(0, c).includes(1)) hits += 1;
        }
        expect(passAtK(n, c, k)).toBeCloseTo(hits / all, 12);
      }),
    );
  });

  test('grows with the tries and with the right samples, from c / n', () => {
    fc.assert(
      fc.property(draws, ([n, c, k]) => {
        expect(passAtK(n, c, 1)).toBe(c / n);
        if (k < n) expect(passAtK(n, c, k + 1)).toBeGreaterThanOrEqual(passAtK(n, c, k));
        if (c < n) expect(passAtK(n, c + 1, k)).toBeGreaterThanOrEqual(passAtK(n, c, k));
      }),
    );
  });

  test.each([
    [0, 0, 1, /samples is 0, allowed are integers from 1 up/],
    [2.5, 0, 1, /samples is 2.5/],
    [4, 5, 1, /correct is 5, allowed are integers from 0 to the 4 samples/],
    [4, -1, 1, /correct is -1/],
    [4, 2, 0, /k is 0, allowed are integers from 1 to the 4 samples/],
    [4, 2, 5, /k is 5/],
    [4, 2, Number.NaN, /k is NaN/],
  ])('refuses %d samples, %d right, %d tries', (n, c, k, message) => {
    expect(() => passAtK(n, c, k)).toThrow(message);
    expect(() => passAtK(n, c, k)).toThrow(InvalidArgument);
  });
});
