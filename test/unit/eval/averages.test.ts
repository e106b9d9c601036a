import { expect, test } from '@jest/globals';
import { macroAverages } from '../../../ts/eval/averages.ts';
import { itemOf, satOf } from './answered.ts';

const suites = { math: ['m1', 'm2'], general: ['g1', 'g2'] };

/** A benchmark of four items, of which so many are right. */
function sat(name: string, right: number, metric: 'greedy' | 'mean' = 'greedy') {
  const said = (index: number) => (index < right ? '7' : '6');
  const answered = Array.from({ length: 4 }, (_, index) =>
    metric === 'greedy' ? itemOf(`${index}`, said(index)) : itemOf(`${index}`, '6', said(index), said(index)),
  );
  return { name, sat: satOf({ metric, items: 4 }), answered };
}

test('a group is the mean of its benchmarks, each by its own metric; others do not count', () => {
  const { math, general, overall } = macroAverages(
    [sat('m2', 1), sat('own', 4), sat('m1', 4, 'mean')],
    suites,
    1,
    false,
  );
  expect(math?.rule.figure.value).toBeCloseTo(62.5, 10);
  expect(math?.rule).toMatchObject({ benchmarks: ['m1', 'm2'], missing: [] });
  expect(math?.judged).toBeNull();
  expect([general, overall]).toEqual([null, null]);
});

test('overall is the mean of the math average and each general benchmark', () => {
  const { overall } = macroAverages([sat('m1', 4), sat('m2', 2), sat('g1', 1), sat('g2', 0)], suites, 1, false);
  // (75 + 25 + 0) / 3
  expect(overall?.rule.figure.value).toBeCloseTo(100 / 3, 10);
  const { low = 0, high = 0 } = overall?.rule.figure ?? {};
  expect(low).toBeLessThan(100 / 3);
  expect(high).toBeGreaterThan(100 / 3);
});

test('what is missing is named, and a metric that was not measured is missing', () => {
  const unsampled = { ...sat('m2', 4), sat: satOf({ metric: 'mean', items: 4 }) };
  const { math, overall } = macroAverages([sat('m1', 2), unsampled, sat('g2', 4)], suites, 1, true);
  expect(math?.rule).toMatchObject({ benchmarks: ['m1'], missing: ['m2'] });
  expect(overall?.rule).toMatchObject({ benchmarks: ['m1', 'g2'], missing: ['m2', 'g1'] });
  expect(overall?.judged?.figure).toEqual(overall?.rule.figure);
});

test('the order in which benchmarks were sat changes nothing', () => {
  const all = [sat('m1', 4), sat('m2', 2), sat('g1', 1)];
  expect(macroAverages([...all].reverse(), suites, 1, false)).toEqual(macroAverages(all, suites, 1, false));
});
