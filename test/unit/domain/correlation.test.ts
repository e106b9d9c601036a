import { expect, test } from '@jest/globals';
import { correlation } from '../../../ts/domain/correlation.ts';

test('of lists that rise together, against each other, and hardly together', () => {
  expect(correlation([1, 2, 3], [10, 20, 30])).toBeCloseTo(1, 12);
  expect(correlation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  // (-1)(-1/3) + 0 (2/3) + 1 (-1/3) = 0.
  expect(correlation([1, 2, 3], [0, 1, 0])).toBeCloseTo(0, 12);
  // Sums of squares 2 and 14/3, of products 3: 3 / sqrt(28 / 3).
  expect(correlation([1, 2, 3], [1, 3, 4])).toBeCloseTo(3 / Math.sqrt(28 / 3), 12);
});

test('is no number where a list does not vary', () => {
  expect(correlation([1, 1], [1, 2])).toBeNaN();
  expect(correlation([], [])).toBeNaN();
});
