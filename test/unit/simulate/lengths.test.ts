import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stream } from '../../../ts/domain/random.ts';
import { drawLength } from '../../../ts/simulate/lengths.ts';

test('lengths are whole numbers from 1 to where samples are cut', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 5000, noNaN: true }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.integer({ min: 1, max: 4096 }),
      fc.integer({ min: 0 }),
      (mean, sigma, maxTokens, seed) => {
        const length = drawLength({ mean, sigma }, maxTokens, stream(seed));
        expect(Number.isInteger(length)).toBe(true);
        expect(length).toBeGreaterThanOrEqual(1);
        expect(length).toBeLessThanOrEqual(maxTokens);
      },
    ),
  );
});

test('their mean and the deviation of their logarithm are those asked for', () => {
  const random = stream(1, 'lengths');
  const drawn = Array.from({ length: 20_000 }, () => drawLength({ mean: 800, sigma: 0.7 }, 1e6, random));
  const mean = drawn.reduce((sum, length) => sum + length, 0) / drawn.length;
  const logs = drawn.map(Math.log);
  const middle = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const sigma = Math.sqrt(logs.reduce((sum, log) => sum + (log - middle) ** 2, 0) / logs.length);
  expect(mean).toBeGreaterThan(780);
  expect(mean).toBeLessThan(820);
  expect(sigma).toBeCloseTo(0.7, 1);
});

test('without a deviation all are as long as the mean', () => {
  const random = stream(1);
  expect([1, 2, 3].map(() => drawLength({ mean: 5, sigma: 0 }, 10, random))).toEqual([5, 5, 5]);
});
