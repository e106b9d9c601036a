import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { challengerReward, REWARD_PRESETS, solverReward, withoutRepetition } from '../../../ts/domain/reward.ts';

const { paper } = REWARD_PRESETS;

describe('challengerReward, paper', () => {
  test.each([
    // p, |C|/B, uncertainty, repetition, total
    [0.5, 1 / 8, 1, 0.125, 0.875], //      1 - 2|0| = 1;       1 - 1/8
    [0.75, 1 / 4, 0.5, 0.25, 0.25], //     1 - 2(1/4) = 1/2;   1/2 - 1/4
    [0.25, 1 / 4, 0.5, 0.25, 0.25], //     the same below 1/2
    [0.875, 1 / 2, 0.25, 0.5, 0], //       1/4 - 1/2 < 0, so 0
    [1, 1 / 8, 0, 0.125, 0], //            everybody agrees
    [0, 1 / 8, 0, 0.125, 0], //            nobody boxed an answer
  ])('p = %d, share = %d', (agreement, clusterShare, uncertainty, repetition, total) => {
    expect(challengerReward({ wellFormed: true, agreement, clusterShare }, paper)).toEqual({
      uncertainty,
      repetition,
      format: 1,
      total,
    });
  });

  test('a malformed text earns 0, whatever else is known', () => {
    const zero = { uncertainty: 0, repetition: 0, format: 0, total: 0 };
    expect(challengerReward({ wellFormed: false, agreement: 0.5, clusterShare: 0.1 }, paper)).toEqual(zero);
    expect(challengerReward({ wellFormed: false, agreement: Number.NaN, clusterShare: 0 }, paper)).toEqual(zero);
  });

  test('is in [0, 1], symmetric about 1/2, and falls with the share', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, share, (agreement, a, b) => {
        const reward = (p: number, s: number): number =>
          challengerReward({ wellFormed: true, agreement: p, clusterShare: s }, paper).total;
        expect(reward(agreement, a)).toBeGreaterThanOrEqual(0);
        expect(reward(agreement, a)).toBeLessThanOrEqual(1);
        expect(reward(1 - agreement, a)).toBeCloseTo(reward(agreement, a), 12);
        expect(reward(agreement, Math.max(a, b))).toBeLessThanOrEqual(reward(agreement, Math.min(a, b)));
      }),
    );
  });

  test('refuses what is no share', () => {
    const bad = { wellFormed: true, agreement: 1.5, clusterShare: 0.5 };
    expect(() => challengerReward(bad, paper)).toThrow(InvalidArgument);
    expect(() => challengerReward({ ...bad, agreement: 0.5, clusterShare: Number.NaN }, paper)).toThrow(
      /clusterShare is NaN/,
    );
  });
});

test('without the repetition penalty only uncertainty counts', () => {
  // 1 - 2(1/8) = 3/4, although the whole batch is one cluster.
  const reward = challengerReward({ wellFormed: true, agreement: 0.625, clusterShare: 1 }, withoutRepetition(paper));
  expect(reward).toEqual({ uncertainty: 0.75, repetition: 0, format: 1, total: 0.75 });
});

test('a preset is data: a reward that may be negative and punishes malformed texts', () => {
  // 1/2 - |p - 1/2| = 1/4; 1/4 - 1/2 = -1/4, above the floor.
  const preset = { uncertainty: { peak: 0.5, slope: 1 }, repetitionWeight: 1, floor: -2, malformed: -1 };
  expect(challengerReward({ wellFormed: true, agreement: 0.75, clusterShare: 0.5 }, preset).total).toBe(-0.25);
  expect(challengerReward({ wellFormed: false, agreement: 0, clusterShare: 0 }, preset).total).toBe(-1);
});

test('solverReward is 1 for the pseudo-label in any spelling', () => {
  expect(solverReward('0.5', '\\frac{1}{2}')).toBe(1);
  expect(solverReward('0.51', '\\frac{1}{2}')).toBe(0);
  expect(solverReward(null, 'None')).toBe(0);
});
