import { expect, test } from '@jest/globals';
import { studentTQuantile } from '../../../ts/domain/studentT.ts';

// Reference values: scipy.stats.t.ppf.
test.each([
  [1, 12.706204736174694, 63.656741162871526],
  [2, 4.302652729749462, 9.924843200918287],
  [3, 3.1824463052837078, 5.840909309733355],
  [4, 2.7764451051977934, 4.604094871349992],
  [9, 2.262157162798205, 3.249835541592126],
  [30, 2.0422724563012378, 2.7499956535672254],
  [200, 1.9718962236339088, 2.600634436191558],
])('%d degrees of freedom', (degrees, at975, at995) => {
  expect(Math.abs(studentTQuantile(0.975, degrees) / at975 - 1)).toBeLessThan(1e-10);
  expect(Math.abs(studentTQuantile(0.995, degrees) / at995 - 1)).toBeLessThan(1e-10);
  expect(studentTQuantile(0.025, degrees)).toBeCloseTo(-at975, 8);
});

test('with 1 degree of freedom it is Cauchy: tan(pi (p - 1/2))', () => {
  for (const p of [0.5, 0.6, 0.75, 0.9, 0.999]) {
    expect(studentTQuantile(p, 1)).toBeCloseTo(Math.tan(Math.PI * (p - 0.5)), 7);
  }
});

test('refuses what has no quantile', () => {
  expect(() => studentTQuantile(1, 3)).toThrow(/p is 1/);
  expect(() => studentTQuantile(0.9, 0)).toThrow(/degrees is 0/);
});
