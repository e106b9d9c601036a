import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomRewards, shuffleLabels } from '../../../ts/domain/controls.ts';
import { stream } from '../../../ts/domain/random.ts';

describe('shuffleLabels', () => {
  test('is a permutation without a fixed position', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), (count, seed) => {
        const labels = Array.from({ length: count }, (_, i) => `${i}`);
        const result = shuffleLabels(labels, stream(seed));
        expect([...result].sort()).toEqual([...labels].sort());
        expect(result.filter((label, i) => label === labels[i])).toEqual([]);
      }),
    );
  });

  test('has nothing to swap in one label or none', () => {
    expect(shuffleLabels(['a'], stream(1))).toEqual(['a']);
    expect(shuffleLabels([], stream(1))).toEqual([]);
  });
});

test('randomRewards are fair coins', () => {
  const rewards = randomRewards(10_000, stream(5));
  expect(new Set(rewards)).toEqual(new Set([0, 1]));
  // 5,000 expected; 5 standard deviations are 250.
  expect(Math.abs(rewards.filter((reward) => reward === 1).length - 5000)).toBeLessThan(250);
});
