import { describe, expect, test } from '@jest/globals';
import { type ItemValues, pairScores } from '../../../ts/eval/pairedScores.ts';

function sat(benchmark: string, values: Record<string, number>, more: Partial<ItemValues> = {}): ItemValues {
  return {
    benchmark,
    title: benchmark.toUpperCase(),
    group: 'math',
    metric: 'greedy',
    counts: true,
    digest: 'd',
    values: new Map(Object.entries(values)),
    ...more,
  };
}

describe('pairScores', () => {
  // 5 items that B alone has right and 1 that A alone has: McNemar's exact test gives 2 * (1 + 6) / 2^6 = 0.21875.
  const a = sat('x', { 1: 1, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0, 7: 1, 8: 0 });
  const b = sat('x', { 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 0, 8: 0 });

  test('pairs by item', () => {
    const { benchmarks } = pairScores([a], [b], 1);
    expect(benchmarks).toHaveLength(1);
    expect(benchmarks[0]).toMatchObject({ items: 8, unpaired: 0, before: 25, after: 75, method: 'exact' });
    expect(benchmarks[0]?.difference.value).toBe(50);
    expect(benchmarks[0]?.pValue).toBeCloseTo(0.21875, 12);
    expect(benchmarks[0]?.adjusted).toBeCloseTo(0.21875, 12);
  });

  test('does not depend on the order of the items, and the other way round is the negative', () => {
    const shuffled = sat('x', Object.fromEntries([...b.values].reverse()));
    const forth = pairScores([a], [shuffled], 1).benchmarks[0];
    const back = pairScores([b], [a], 1).benchmarks[0];
    expect(forth?.pValue).toBeCloseTo(0.21875, 12);
    expect(back?.difference.value).toBe(-50);
    expect(back?.pValue).toBe(forth?.pValue);
  });

  test('leaves out items and benchmarks that one of them alone has, and says so', () => {
    const some = sat('x', { 1: 1, 2: 0, 9: 1 });
    const { benchmarks, alone } = pairScores([some, sat('y', { 1: 1 })], [b, sat('z', { 1: 1 })], 1);
    expect(benchmarks.map(({ items, unpaired }) => [items, unpaired])).toEqual([[2, 1 + 6]]);
    expect(alone).toEqual({ before: ['Y (greedy)'], after: ['Z (greedy)'] });
  });

  test('greedy and mean of one benchmark are two lines', () => {
    const mean = { metric: 'mean' } as const;
    const { benchmarks } = pairScores([a, sat('x', { 1: 0.25 }, mean)], [b, sat('x', { 1: 0.75 }, mean)], 1);
    expect(benchmarks.map(({ metric, difference }) => [metric, difference.value])).toEqual([
      ['greedy', 50],
      ['mean', 50],
    ]);
  });

  test('tells where items were asked otherwise; an unknown digest is no difference', () => {
    const otherwise = (digest: string | null) => pairScores([a], [{ ...b, digest }], 1).benchmarks[0]?.otherwise;
    expect([otherwise('d'), otherwise('e'), otherwise(null)]).toEqual([false, true, false]);
  });

  test('averages groups of several benchmarks, each weighing alike, and adjusts all p-values', () => {
    const y = { before: sat('y', { 1: 0 }), after: sat('y', { 1: 1 }) };
    const alone = sat('g', { 1: 1 }, { group: 'general' });
    const { averages, benchmarks } = pairScores([a, y.before, alone], [b, y.after, alone], 1);
    expect(averages).toHaveLength(1);
    expect(averages[0]).toMatchObject({ group: 'math', benchmarks: 2, before: 12.5, after: 87.5 });
    expect(averages[0]?.difference.value).toBe(75);
    expect(averages[0]?.difference.low).toBeLessThan(75);
    expect(benchmarks.map(({ adjusted }) => Number(adjusted.toFixed(4)))).toEqual([0.6563, 1, 1]);
  });

  test('a metric that does not count is in no average', () => {
    const other = { metric: 'mean', counts: false } as const;
    const { averages } = pairScores([a, sat('x', { 1: 0 }, other)], [b, sat('x', { 1: 1 }, other)], 1);
    expect(averages).toEqual([]);
  });

  test('nothing in common', () => {
    expect(pairScores([a], [sat('x', { 77: 1 })], 1)).toEqual({
      benchmarks: [],
      averages: [],
      alone: { before: [], after: [] },
    });
  });
});
