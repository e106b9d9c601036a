import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ADVANTAGES, type CreditRule, creditOf, groupAdvantages } from '../../../ts/domain/advantage.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';

describe('groupAdvantages', () => {
  test('by hand', () => {
    // [1, 0, 0, 0]: mean 1/4; squares 9/16 + 3/16 = 3/4; unbiased variance (3/4)/3 = 1/4; std 1/2.
    // (1 - 1/4)/(1/2 + 1e-6) = 1.499997, (0 - 1/4)/(1/2 + 1e-6) = -0.499999.
    const [first, ...rest] = groupAdvantages([1, 0, 0, 0], 4);
    expect(first).toBeCloseTo(1.499997, 6);
    for (const advantage of rest) expect(advantage).toBeCloseTo(-0.499999, 6);
  });

  test('each group for itself', () => {
    // [0, 2]: mean 1, unbiased std sqrt(2): -+ 0.7071. [10, 10] has nothing to tell.
    const advantages = groupAdvantages([0, 2, 10, 10], 2);
    expect(advantages[0]).toBeCloseTo(-Math.SQRT1_2, 5);
    expect(advantages[1]).toBeCloseTo(Math.SQRT1_2, 5);
    expect([...advantages.slice(2)]).toEqual([0, 0]);
  });

  test('equal rewards are exactly 0, although their mean is not exact', () => {
    // (0.1 + 0.1 + 0.1) / 3 is 0.10000000000000002 in doubles.
    expect([...groupAdvantages([0.1, 0.1, 0.1], 3)]).toEqual([0, 0, 0]);
    expect([...groupAdvantages([0.7], 1)]).toEqual([0]);
    expect([...groupAdvantages([], 4)]).toEqual([]);
  });

  test('has mean 0 in a group, keeps the order of rewards, and is never NaN', () => {
    const reward = fc.oneof(fc.constantFrom(0, 1), fc.double({ min: -1e6, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(fc.array(reward, { minLength: 2, maxLength: 16 }), (rewards) => {
        const advantages = [...groupAdvantages(rewards, rewards.length)];
        expect(advantages.every(Number.isFinite)).toBe(true);
        // The mean of rewards of 1e6 is exact to 1e-10, which is divided by at least 1e-6.
        expect(Math.abs(advantages.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-2);
        rewards.forEach((a, i) => {
          rewards.forEach((b, j) => {
            if (a >= b) expect(advantages[i]).toBeGreaterThanOrEqual(advantages[j] as number);
          });
        });
      }),
    );
  });

  test('refuses groups that do not fit and rewards that are no numbers', () => {
    expect(() => groupAdvantages([1, 2, 3], 2)).toThrow(InvalidArgument);
    expect(() => groupAdvantages([1, 2], 0)).toThrow(/groupSize is 0/);
    expect(() => groupAdvantages([1, Number.NaN], 2)).toThrow(/NaN/);
  });
});

describe('other baselines, by hand', () => {
  // [1, 0, 0, 0]: mean 1/4, mean of the others 0 for the first and 1/3 for the rest.
  test.each([
    ['dr-grpo', [0.75, -0.25, -0.25, -0.25]],
    ['leave-one-out', [1, -1 / 3, -1 / 3, -1 / 3]],
  ] as const)('%s', (kind, expected) => {
    expect([...groupAdvantages([1, 0, 0, 0], 4, kind)]).toEqual(expected.map((value) => expect.closeTo(value, 6)));
  });

  test.each(ADVANTAGES)('%s: sums to 0 in a group, which is 0 where all are equal', (kind) => {
    const reward = fc.double({ min: -1, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(reward, { minLength: 2, maxLength: 8 }), (rewards) => {
        const advantages = groupAdvantages(rewards, rewards.length, kind);
        expect(Math.abs(advantages.reduce((sum, value) => sum + value, 0))).toBeLessThan(1e-5);
        const flat = groupAdvantages(
          rewards.map(() => rewards[0] as number),
          rewards.length,
          kind,
        );
        expect([...flat]).toEqual(rewards.map(() => 0));
      }),
    );
  });
});

describe('creditOf', () => {
  const rule: CreditRule = { advantage: 'grpo', zeroVariance: 'keep', overlong: 'keep', overlongPenalty: 0.5 };
  const rewards = [1, 0, 1, 1];
  const cut = [false, false, true, false];

  test('the paper keeps everybody', () => {
    const credit = creditOf(rewards, cut, 2, rule);
    expect(credit).toEqual({
      rewards: Float64Array.from(rewards),
      advantages: groupAdvantages(rewards, 2),
      trained: [true, true, true, true],
      flatGroups: 1,
      overlong: 1,
    });
  });

  test('groups without a difference are dropped whole', () => {
    expect(creditOf(rewards, cut, 2, { ...rule, zeroVariance: 'drop' }).trained).toEqual([true, true, false, false]);
  });

  test('samples that were cut off are masked, and count in the mean', () => {
    const { advantages, trained } = creditOf([1, 0], [true, false], 2, { ...rule, overlong: 'mask' });
    expect(trained).toEqual([false, true]);
    expect(advantages).toEqual(groupAdvantages([1, 0], 2));
  });

  test('or pay, which makes a difference', () => {
    const { advantages, flatGroups } = creditOf(rewards, cut, 2, { ...rule, overlong: 'penalise' });
    expect(advantages).toEqual(groupAdvantages([1, 0, 0.5, 1], 2));
    expect(flatGroups).toBe(0);
  });
});
