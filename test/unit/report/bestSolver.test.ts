import { expect, test } from '@jest/globals';
import { betterThanLast } from '../../../ts/report/bestSolver.ts';
import type { RunSummary } from '../../../ts/report/runSummary.ts';

const of = (...means: (number | undefined)[]) => {
  const evaluations = means.map((value, iteration) => ({
    iteration,
    scores: value === undefined ? {} : { mean: { value, low: 0, high: 100 } },
  }));
  return betterThanLast({ evaluations } as unknown as RunSummary);
};

test('a Solver that did better than the last is named, of equals the first; the base is none', () => {
  expect(of(10, 50, 40)).toBe(1);
  expect(of(10, 40, 50, 50, 45)).toBe(2);
  expect(of(90, 50)).toBeUndefined();
  expect(of(10, 50, 50)).toBeUndefined();
  expect(of(10, undefined, undefined)).toBeUndefined();
  expect(of()).toBeUndefined();
});
