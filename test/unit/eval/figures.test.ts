import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { average, macroAverage, sampledFigure } from '../../../ts/eval/figures.ts';

const value = fc.double({ min: 0, max: 1, noNaN: true });

test('a macro average of one benchmark is its average, by the same resampling', () => {
  const values = [0, 0.5, 1, 0.25];
  expect(macroAverage([{ values, weight: 1 }], 1, 'x')).toEqual(average(values, 1, 'x'));
});

test('a macro average is the weighted mean of means, inside its interval', () => {
  const benchmark = fc.array(value, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(benchmark, benchmark, value, (a, b, weight) => {
      const mean = (values: number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
      const weighted = [
        { values: a, weight },
        { values: b, weight: 1 - weight },
      ];
      const { value, low, high } = macroAverage(weighted, 1);
      expect(value).toBeCloseTo(100 * (weight * mean(a) + (1 - weight) * mean(b)), 8);
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(-1e-9);
      expect(high).toBeLessThanOrEqual(100 + 1e-9);
    }),
    { numRuns: 20 },
  );
});

test('samples that are all alike do not make an interval of no width', () => {
  expect(sampledFigure([1, 1, 1], 1).low).toBeLessThan(50);
  expect(sampledFigure([0, 0, 0], 1).high).toBeGreaterThan(50);
  const weighted = [1, 2].map(() => ({ values: [0, 0, 0], weight: 1 / 2 }));
  expect(macroAverage(weighted, 1)).toEqual(sampledFigure([0, 0, 0, 0, 0, 0], 1));
});
