import { describe, expect, test } from '@jest/globals';
import { scoreBenchmark } from '../../../ts/eval/benchmarkScores.ts';
import { answered, itemOf, satOf } from './answered.ts';

describe('the figures of a benchmark', () => {
  const sat = satOf({ items: 4, samples: 4, metric: 'mean' });
  const items = [
    itemOf('a', '7', '7', '7', '7', '7'),
    // The majority is wrong: 5 has two votes, and the cut off response has none.
    itemOf('b', '5', '5', '7', '5', '-!'),
    // A tie of 7 and 6: who came first wins.
    itemOf('c', '-!', '7', '6', '6', '7'),
    itemOf('d', '6?', '-', '6', '8', '9?'),
  ];
  const scores = scoreBenchmark('test', sat, items, 1, false);

  test('are shares of marks', () => {
    expect(scores.greedy?.value).toBe(25);
    // 4 of 4, 1 of 4, 2 of 4, 0 of 4.
    expect(scores.mean?.value).toBeCloseTo(100 * (7 / 16), 10);
    expect(scores.majority?.value).toBe(50);
  });

  test('pass@n is without bias', () => {
    expect(scores.passAt.map(({ n }) => n)).toEqual([1, 2, 4]);
    const [one, two, four] = scores.passAt.map(({ figure }) => figure.value);
    expect(one).toBe(scores.mean?.value);
    // 1 - C(4-c, 2)/C(4, 2): 1, 1 - 3/6, 1 - 1/6, 0.
    expect(two).toBeCloseTo((100 * (1 + 1 / 2 + 5 / 6)) / 4, 10);
    expect(four).toBe(75);
    expect(scores.passAt[0]?.figure).toEqual(scores.mean);
  });

  test('intervals: Wilson where an item has one mark, else a bootstrap', () => {
    // Wilson for 1 of 4.
    expect(scores.greedy?.low).toBeCloseTo(4.56, 1);
    expect(scores.greedy?.high).toBeCloseTo(69.94, 1);
    const { low = 0, high = 0, value = 0 } = scores.mean ?? {};
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  test('rates and lengths, greedy and sampled apart', () => {
    expect(scores.rates).toEqual({
      greedy: { truncated: 1 / 4, noBox: 1 / 4, undecided: 1 / 4 },
      sampled: { truncated: 1 / 16, noBox: 2 / 16, undecided: 1 / 16 },
    });
    expect(scores.meanTokens.greedy).toBe((1 + 1 + 2 + 2) / 4);
  });

  test('a k that is no power of two is the last n', () => {
    const three = scoreBenchmark('test', satOf({ samples: 3, items: 1 }), [itemOf('a', null, '7', '6', '5')], 1, false);
    expect(three.passAt.map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(three.greedy).toBeNull();
    expect(three.rates.greedy).toEqual({ truncated: null, noBox: null, undecided: null });
  });

  test('what was not sampled has no figure', () => {
    const { mean, majority, passAt, meanTokens } = scoreBenchmark(
      'test',
      satOf({ items: 1 }),
      [itemOf('a', '7')],
      1,
      false,
    );
    expect({ mean, majority, passAt, sampled: meanTokens.sampled }).toEqual({
      mean: null,
      majority: null,
      passAt: [],
      sampled: null,
    });
  });

  test('a run of the same records gives the same bytes', () => {
    expect(JSON.stringify(scoreBenchmark('test', sat, items, 1, false))).toBe(JSON.stringify(scores));
  });
});

describe('with a judge', () => {
  const greedy = (id: string, said: string, verdict?: boolean) => ({
    ...itemOf(id, null),
    greedy: answered({ id, mode: 'greedy', sample: 0 }, said, '7', verdict),
  });

  test('points are given and taken, and what has no verdict keeps its mark', () => {
    const items = [
      greedy('a', '14/2', true),
      greedy('b', '6', false),
      // The right answer, character by character: nobody is asked.
      greedy('c', '7'),
      greedy('d', '8'),
    ];
    const { greedy: rule, judged } = scoreBenchmark('test', satOf({ items: 4 }), items, 1, true);
    expect(rule?.value).toBe(25);
    expect(judged?.greedy?.value).toBe(50);
    expect(judged).toMatchObject({ given: 1, taken: 0, missing: 1, agreement: 1 / 2 });
  });

  test('a letter is a letter', () => {
    const item = { ...greedy('a', 'B'), item: { id: 'a', question: '?', answer: 'A', choices: ['1', '2'] } };
    const { judged } = scoreBenchmark('test', satOf({ items: 1 }), [item], 1, true);
    expect(judged).toMatchObject({ given: 0, taken: 0, missing: 0, agreement: null, kappa: null });
  });
});
