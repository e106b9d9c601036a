import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Phase } from '../../../ts/ports/reporter.ts';
import { phaseLeft, phasesAfter, runLeft, usualSeconds } from '../../../ts/report/eta.ts';

const START = { elapsed: 0, share: 0 };

describe('what a phase has left', () => {
  test('is told by its own pace', () => {
    expect(phaseLeft({ elapsed: 10, share: 0.25 }, START)).toBe(30);
    expect(phaseLeft({ elapsed: 10, share: 1 }, START)).toBe(0);
  });

  test('is not told of the first moments, unless such phases are known', () => {
    expect(phaseLeft({ elapsed: 10, share: 0.01 }, START)).toBeUndefined();
    expect(phaseLeft({ elapsed: 0.5, share: 0.3 }, START)).toBeUndefined();
    expect(phaseLeft({ elapsed: 10, share: 0.01 }, START, 60)).toBe(50);
    // It takes longer than they did, and nobody knows how much.
    expect(phaseLeft({ elapsed: 70, share: 0.01 }, START, 60)).toBeUndefined();
  });

  test('counts from where it goes on: what an earlier attempt did took no time', () => {
    expect(phaseLeft({ elapsed: 12, share: 0.7 }, { elapsed: 2, share: 0.6 })).toBeCloseTo(30);
    expect(phaseLeft({ elapsed: 2.1, share: 0.6 }, { elapsed: 2, share: 0.6 })).toBeUndefined();
    expect(phaseLeft({ elapsed: 12, share: 0.6 }, { elapsed: 2, share: 0.6 }, 100)).toBeCloseTo(30);
  });

  test('is never negative, and at a steady pace what there is', () => {
    const seconds = fc.double({ min: 0, max: 1e6, noNaN: true });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(seconds, share, seconds, share, fc.option(seconds, { nil: undefined }), (a, b, c, d, usual) => {
        const left = phaseLeft({ elapsed: a, share: b }, { elapsed: c, share: d }, usual);
        if (left !== undefined) expect(left).toBeGreaterThanOrEqual(0);
      }),
    );
    fc.assert(
      fc.property(
        fc.double({ min: 30, max: 1e5, noNaN: true }),
        fc.double({ min: 0.06, max: 1, noNaN: true }),
        (all, part) => {
          expect(phaseLeft({ elapsed: all * part, share: part }, START)).toBeCloseTo(all * (1 - part), 3);
        },
      ),
    );
  });
});

test('a usual time is the middle one, of two the longer', () => {
  expect(usualSeconds([])).toBeUndefined();
  expect(usualSeconds([5])).toBe(5);
  expect(usualSeconds([9, 1])).toBe(9);
  expect(usualSeconds([100, 4, 5])).toBe(5);
});

describe('the phases to come', () => {
  const run = { iterations: 2, trainsChallenger: true };

  test('are those of the iteration, and then of the others', () => {
    expect(phasesAfter(run, 1, 'questions')).toEqual([
      'solver',
      'evaluation',
      'challenger',
      'questions',
      'solver',
      'evaluation',
    ]);
    expect(phasesAfter(run, 2, 'evaluation')).toEqual([]);
    expect(phasesAfter({ iterations: 1, trainsChallenger: false }, 0, 'evaluation')).toEqual([
      'questions',
      'solver',
      'evaluation',
    ]);
  });

  test('are one fewer after each', () => {
    let [iteration, phase]: [number, Phase] = [0, 'evaluation'];
    let coming = phasesAfter(run, iteration, phase);
    expect(coming).toHaveLength(8);
    while (coming.length > 0) {
      if (phase === 'evaluation') iteration += 1;
      phase = coming[0] as Phase;
      const after = phasesAfter(run, iteration, phase);
      expect(after).toEqual(coming.slice(1));
      coming = after;
    }
  });
});

describe('what a run has left', () => {
  const taken = new Map<Phase, number[]>([
    ['evaluation', [4, 5]],
    ['challenger', [100]],
    ['questions', [50]],
  ]);

  test('is not told while a phase is to come that nobody has seen', () => {
    const coming = phasesAfter({ iterations: 1, trainsChallenger: true }, 1, 'questions');
    expect(runLeft(coming, 'questions', { elapsed: 1, left: 10 }, taken)).toBeUndefined();
    expect(runLeft([], 'solver', { elapsed: 1, left: undefined }, taken)).toBeUndefined();
  });

  test('counts further phases of the present kind as the present one', () => {
    const coming = phasesAfter({ iterations: 2, trainsChallenger: true }, 1, 'solver');
    expect(runLeft(coming, 'solver', { elapsed: 20, left: 10 }, taken)).toBe(10 + 5 + 100 + 50 + 30 + 5);
  });

  test('of the last phase is what that has left', () => {
    expect(runLeft([], 'evaluation', { elapsed: 20, left: 10 }, new Map())).toBe(10);
  });
});
