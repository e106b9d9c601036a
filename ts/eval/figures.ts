import { stream } from '../domain/random.ts';
import { bootstrapInterval, macroInterval, mean, wilsonInterval } from '../domain/statistics.ts';

/** A figure over the questions of an exam with its 95 % interval, all in percent or percentage points. */
export interface Figure {
  value: number;
  low: number;
  high: number;
}

/**
 * The mean of one value a question, with its bootstrap interval, in percent.
 *
 * @param values in [0, 1], or differences in [-1, 1]
 * @param path names the resampling's random stream
 */
export function average(values: readonly number[], seed: number, ...path: string[]): Figure {
  const [low, high] = bootstrapInterval(values, stream(seed, 'bootstrap', ...path));
  return { value: 100 * mean(values), low: 100 * low, high: 100 * high };
}

/** A share of questions, one mark each, with Wilson's interval, in percent. @param marks each 0 or 1 */
export function proportion(marks: readonly number[]): Figure {
  const right = marks.reduce((total, mark) => total + mark, 0);
  const [low, high] = wilsonInterval(right, marks.length);
  return { value: (100 * right) / marks.length, low: 100 * low, high: 100 * high };
}

/**
 * A mean over questions of which each has several samples, bootstrapped over questions, since the samples of a question are
 * not independent. Where no question has a sample that differs from the rest, all right or all wrong, resampling sees no
 * spread at all; each question then counts as one mark, as if it had been answered once.
 *
 * @param values one a question, in [0, 1]
 */
export function sampledFigure(values: readonly number[], seed: number, ...path: string[]): Figure {
  return isAlike(values) ? proportion(values) : average(values, seed, ...path);
}

function isAlike(values: readonly number[]): boolean {
  return values.every((value) => value === values[0]) && (values[0] === 0 || values[0] === 1);
}

/** One value a question of a benchmark, in [0, 1], and what the benchmark's mean weighs. */
export interface Weighted {
  values: readonly number[];
  weight: number;
}

/**
 * A weighted mean of benchmarks' means, in percent, with its interval from resampling the questions within each benchmark.
 * Where all questions of all of them are alike, it is as in {@link sampledFigure}.
 *
 * @param benchmarks their weights add up to 1
 */
export function macroAverage(benchmarks: readonly Weighted[], seed: number, ...path: string[]): Figure {
  const all = benchmarks.flatMap(({ values }) => values);
  if (isAlike(all)) return proportion(all);
  // The interval is of a mean in which all benchmarks weigh alike; scaled values weigh as they should.
  const scaled = benchmarks.map(({ values, weight }) => values.map((value) => value * weight * benchmarks.length));
  const [low, high] = macroInterval(scaled, stream(seed, 'bootstrap', ...path));
  return { value: 100 * mean(scaled.map(mean)), low: 100 * low, high: 100 * high };
}
