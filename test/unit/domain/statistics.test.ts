import { describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { stream } from '../../../ts/domain/random.ts';
import {
  bootstrapInterval,
  macroInterval,
  mean,
  pairedDifference,
  standardDeviation,
  wilsonInterval,
} from '../../../ts/domain/statistics.ts';

test('mean and standardDeviation', () => {
  // 2, 4, 9: mean 5; squares 9 + 1 + 16 = 26; 26/2 = 13.
  expect(mean([2, 4, 9])).toBe(5);
  expect(standardDeviation([2, 4, 9])).toBe(Math.sqrt(13));
  expect(mean(Float32Array.of(0.5, 1))).toBe(0.75);
  expect(standardDeviation([3])).toBe(0);
  expect([mean([]), standardDeviation([])]).toEqual([Number.NaN, Number.NaN]);
});

describe('wilsonInterval', () => {
  // Reference values: scipy.stats.binomtest(s, n).proportion_ci(method='wilson').
  test.each([
    [0, 10, 0, 0.27753279986288926],
    [7, 10, 0.39677814746114526, 0.892208732593699],
    [50, 100, 0.4038315303659956, 0.5961684696340044],
    [10, 10, 0.7224672001371109, 1],
  ])('%d of %d', (successes, n, low, high) => {
    const interval = wilsonInterval(successes, n);
    expect(interval[0]).toBeCloseTo(low, 12);
    expect(interval[1]).toBeCloseTo(high, 12);
  });

  test('knows nothing without trials', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 1]);
    expect(() => wilsonInterval(3, 2)).toThrow(InvalidArgument);
  });
});

describe('bootstrapInterval', () => {
  test('is near the normal interval for many values, and repeats with its stream', () => {
    // 400 values, half 0 and half 1: standard error 0.5/20 = 0.025, so 0.5 -+ 0.049.
    const values = Array.from({ length: 400 }, (_, i) => i % 2);
    const interval = bootstrapInterval(values, stream(1, 'bootstrap'));
    expect(interval[0]).toBeGreaterThan(0.43);
    expect(interval[0]).toBeLessThan(0.47);
    expect(interval[1]).toBeGreaterThan(0.53);
    expect(interval[1]).toBeLessThan(0.57);
    expect(bootstrapInterval(values, stream(1, 'bootstrap'))).toEqual(interval);
  });

  test('takes its quantiles between neighbours', () => {
    // The draws below pick (0, 0), (0, 1), (1, 1): means 0, 1/2, 1. Level 1/2 asks for quantiles 1/4 and 3/4, at
    // positions 0.5 and 1.5.
    const draws = [0, 0, 0, 0.5, 0.5, 0.5];
    let next = 0;
    const scripted = (): number => draws[next++] as number;
    expect(bootstrapInterval([0, 1], scripted, 3, 0.5)).toEqual([0.25, 0.75]);
  });

  test('equal values have no spread, none have no interval', () => {
    expect(bootstrapInterval([0.25, 0.25], stream(1))).toEqual([0.25, 0.25]);
    expect(bootstrapInterval([], stream(1))).toEqual([Number.NaN, Number.NaN]);
    expect(() => bootstrapInterval([1], stream(1), 2000, 95)).toThrow(/level is 95/);
  });
});

describe('macroInterval', () => {
  test('of one benchmark is the interval of its mean', () => {
    const values = [0, 0.25, 0.5, 1, 1];
    expect(macroInterval([values], stream(1))).toEqual(bootstrapInterval(values, stream(1)));
  });

  test('gives benchmarks equal weight, and resamples each apart', () => {
    // 10 questions with standard error 0.5 / sqrt(10) and 1000 that are all right: half the sum of their means has
    // standard error 0.079, around 0.75. Pooled it would be around 0.995.
    const small = Array.from({ length: 10 }, (_, i) => i % 2);
    const large = Array.from({ length: 1000 }, () => 1);
    const [low, high] = macroInterval([small, large], stream(1));
    expect(low).toBeCloseTo(0.6, 1);
    expect(high).toBeCloseTo(0.9, 1);
    // Never one of another: with one question each, nothing varies.
    expect(macroInterval([[0], [1]], stream(1))).toEqual([0.5, 0.5]);
  });

  test('has nothing to say of benchmarks without questions', () => {
    expect(macroInterval([[1], []], stream(1))).toEqual([Number.NaN, Number.NaN]);
    expect(macroInterval([], stream(1))).toEqual([Number.NaN, Number.NaN]);
    expect(() => macroInterval([[1]], stream(1), 0)).toThrow(/repeats is 0/);
  });
});

describe('pairedDifference', () => {
  test('equals the paired t interval', () => {
    // scipy.stats.ttest_rel(a, b).confidence_interval(0.95)
    const { difference, interval } = pairedDifference([0.61, 0.58, 0.64, 0.6, 0.63], [0.55, 0.57, 0.6, 0.52, 0.59]);
    expect(difference).toBeCloseTo(0.046, 12);
    expect(interval[0]).toBeCloseTo(0.013621364305825966, 12);
    expect(interval[1]).toBeCloseTo(0.07837863569417403, 12);
  });

  test('one pair says nothing about spread', () => {
    expect(pairedDifference([2], [1])).toEqual({
      difference: 1,
      interval: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
    });
  });

  test('refuses arms of different length', () => {
    expect(() => pairedDifference([1], [1, 2])).toThrow(InvalidArgument);
    expect(() => pairedDifference([], [])).toThrow(/0 and 0 values/);
  });
});
