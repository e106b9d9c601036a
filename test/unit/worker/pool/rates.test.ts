import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Rates, stepsOf } from '../../../../ts/worker/pool/rates.ts';

/** Each of some answers as many requests of 100 steps as told, in turn, each in its own time. */
function run(rates: Rates<string>, seconds: Readonly<Record<string, number>>, rounds: number) {
  return Array.from({ length: rounds }, () => Object.entries(seconds))
    .flat()
    .flatMap(([who, each]) => rates.add(who, 100, each));
}

describe('steps of a request', () => {
  test('are those of its longest sample, or of all shared among the rows', () => {
    expect(stepsOf({ lengths: Int32Array.of(3, 9, 2) }, 4)).toBe(9);
    expect(stepsOf({ lengths: Int32Array.of(3, 9, 2) }, 1)).toBe(14);
    expect(stepsOf({ lengths: new Int32Array() }, 1)).toBe(0);
  });
});

describe('who samples', () => {
  test('more than four times as slowly as the others is found soon after three requests tell so, once', () => {
    const rates = new Rates<string>();
    expect(run(rates, { a: 1, b: 1.1, c: 10 }, 2)).toEqual([]);
    expect(run(rates, { a: 1, b: 1.1, c: 10 }, 2)).toEqual([
      { who: 'c', isSlow: true, rate: 10, others: 100 / 1.1, isFirst: true },
    ]);
    expect(run(rates, { a: 1, b: 1.1, c: 10 }, 20)).toEqual([]);
    expect([...rates.slow]).toEqual(['c']);
  });

  test('three times as slowly is not, nor one of two that are alike', () => {
    expect(run(new Rates(), { a: 1, b: 1, c: 3 }, 20)).toEqual([]);
    expect(run(new Rates(), { a: 5, b: 5 }, 20)).toEqual([]);
    expect(run(new Rates(), { a: 5 }, 20)).toEqual([]);
  });

  test('slowly though nobody would notice is not', () => {
    expect(run(new Rates(), { a: 0.01, b: 0.01, c: 0.1 }, 20)).toEqual([]);
  });

  test('slowly once, as whoever begins, is not', () => {
    const rates = new Rates<string>();
    for (const seconds of [30, 1, 1, 1, 30, 1]) expect(run(rates, { a: 1, b: seconds }, 1)).toEqual([]);
  });

  test('as fast as the others again is not slow any more, and found again if it must be', () => {
    const rates = new Rates<string>();
    run(rates, { a: 1, b: 10 }, 4);
    expect(run(rates, { a: 1, b: 3 }, 5)).toEqual([]); // neither slow nor not
    expect(run(rates, { a: 1, b: 1 }, 5)).toMatchObject([{ who: 'b', isSlow: false, isFirst: false }]);
    expect(run(rates, { a: 1, b: 10 }, 5)).toMatchObject([{ who: 'b', isSlow: true, isFirst: false }]);
  });

  test('and is gone is forgotten', () => {
    const rates = new Rates<string>();
    run(rates, { a: 1, b: 10 }, 4);
    rates.forget('b');
    expect(rates.slow.size).toBe(0);
    expect(run(rates, { a: 1, b: 10 }, 2)).toEqual([]);
    expect(run(rates, { a: 1, b: 10 }, 2)).toMatchObject([{ who: 'b', isFirst: true }]);
  });
});

test('of any number, those four times slower than all others are found, and of those twice as slow at most nobody', () => {
  const few = fc.record({ fast: fc.integer({ min: 2, max: 20 }), slow: fc.integer({ min: 0, max: 1 }) });
  fc.assert(
    fc.property(few, fc.double({ min: 1, max: 2, noNaN: true }), ({ fast, slow }, spread) => {
      const rates = new Rates<string>();
      const names = Array.from({ length: fast }, (_, index) => [`f${index}`, index % 2 === 0 ? 1 : spread] as const);
      const lame = Array.from({ length: slow }, (_, index) => [`s${index}`, 10] as const);
      run(rates, Object.fromEntries([...lame, ...names]), 6);
      expect([...rates.slow].sort()).toEqual(lame.map(([name]) => name).sort());
    }),
  );
});
