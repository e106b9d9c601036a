import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Agreement, agreementOf } from '../../../ts/judge/agreement.ts';

/** The two lists that a table is made of. */
function listsOf(table: Pick<Agreement, 'bothRight' | 'bothWrong' | 'given' | 'taken' | 'missing'>) {
  const cells: [number, boolean, boolean | null][] = [
    [table.bothRight, true, true],
    [table.taken, true, false],
    [table.given, false, true],
    [table.bothWrong, false, false],
    [table.missing, true, null],
  ];
  const rows = cells.flatMap(([count, rule, judge]) => Array.from({ length: count }, () => ({ rule, judge })));
  return { rule: rows.map(({ rule }) => rule), judge: rows.map(({ judge }) => judge) };
}

const of = (bothRight: number, taken: number, given: number, bothWrong: number, missing = 0): Agreement => {
  const { rule, judge } = listsOf({ bothRight, taken, given, bothWrong, missing });
  return agreementOf(rule, judge);
};

describe('tables worked by hand', () => {
  test('two readers of 50 grants (the example of Wikipedia, "Cohen\'s kappa": 20, 5, 10, 15)', () => {
    // p = 35/50; e = 25/50 * 30/50 + 25/50 * 20/50 = 1/2; kappa = (0.7 - 0.5) / (1 - 0.5).
    expect(of(20, 5, 10, 15)).toEqual({
      bothRight: 20,
      taken: 5,
      given: 10,
      bothWrong: 15,
      missing: 0,
      agreement: 0.7,
      kappa: 0.4,
    });
  });

  test('equal agreement, unlike margins (the same article: 45, 15, 25, 15 and 25, 35, 5, 35)', () => {
    // p = 0.6 in both; e = 0.6 * 0.7 + 0.4 * 0.3 = 0.54 and 0.6 * 0.3 + 0.4 * 0.7 = 0.46.
    expect(of(45, 15, 25, 15).kappa).toBeCloseTo(0.06 / 0.46, 12);
    expect(of(25, 35, 5, 35).kappa).toBeCloseTo(0.14 / 0.54, 12);
  });

  test('always agreed, never agreed, by chance', () => {
    expect(of(3, 0, 0, 2)).toMatchObject({ agreement: 1, kappa: 1 });
    expect(of(0, 2, 2, 0)).toMatchObject({ agreement: 0, kappa: -1 });
    expect(of(1, 1, 1, 1)).toMatchObject({ agreement: 0.5, kappa: 0 });
  });

  test('one of them says one thing always: nothing beyond chance', () => {
    expect(of(8, 2, 0, 0)).toMatchObject({ agreement: 0.8, kappa: 0 });
  });

  test('undefined where both say one thing always, and where there is nothing', () => {
    expect(of(5, 0, 0, 0)).toMatchObject({ agreement: 1, kappa: null });
    expect(of(0, 0, 0, 5)).toMatchObject({ agreement: 1, kappa: null });
    expect(of(0, 0, 0, 0)).toMatchObject({ agreement: null, kappa: null });
    expect(of(0, 0, 0, 0, 4)).toMatchObject({ missing: 4, agreement: null, kappa: null });
  });

  test('what is missing counts nowhere else', () => {
    expect(of(20, 5, 10, 15, 50)).toEqual({ ...of(20, 5, 10, 15), missing: 50 });
  });

  test('a verdict that is not in the list is missing', () => {
    expect(agreementOf([true, false], [true])).toMatchObject({ bothRight: 1, missing: 1 });
  });
});

describe('for any table', () => {
  const counts = fc.tuple(fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(50));

  test("kappa is the definition's, which sklearn.metrics.cohen_kappa_score computes from the confusion matrix", () => {
    fc.assert(
      fc.property(counts, ([bothRight, taken, given, bothWrong, missing]) => {
        const { kappa, agreement } = of(bothRight, taken, given, bothWrong, missing);
        const n = bothRight + taken + given + bothWrong;
        // sklearn: 1 - sum(w * confusion) / sum(w * expected), with w = 1 off the diagonal.
        const expected = ((bothRight + taken) * (taken + bothWrong) + (given + bothWrong) * (bothRight + given)) / n;
        if (n === 0) expect([kappa, agreement]).toEqual([null, null]);
        else if (expected === 0) expect([kappa, agreement]).toEqual([null, 1]);
        else expect(kappa).toBeCloseTo(1 - (taken + given) / expected, 10);
      }),
    );
  });

  test('bounds, and the order of the responses does not matter', () => {
    fc.assert(
      fc.property(counts, ([bothRight, taken, given, bothWrong, missing]) => {
        const { rule, judge } = listsOf({ bothRight, taken, given, bothWrong, missing });
        const forth = agreementOf(rule, judge);
        expect(forth).toMatchObject({ bothRight, taken, given, bothWrong, missing });
        expect(agreementOf(rule.toReversed(), judge.toReversed())).toEqual(forth);
        const { agreement, kappa } = forth;
        if (agreement !== null) expect(agreement >= 0 && agreement <= 1).toBe(true);
        if (kappa !== null) expect(kappa >= -1 && kappa <= 1).toBe(true);
      }),
    );
  });

  test('who gives and who takes change places with the graders', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.boolean())), (rows) => {
        const [first, second] = [rows.map(([one]) => one), rows.map(([, other]) => other)];
        const { given, taken, kappa } = agreementOf(first, second);
        expect(agreementOf(second, first)).toMatchObject({ given: taken, taken: given, kappa });
      }),
    );
  });
});
