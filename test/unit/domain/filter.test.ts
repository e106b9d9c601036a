import { describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { bandFilter } from '../../../ts/domain/filter.ts';
import type { Vote } from '../../../ts/domain/vote.ts';

const vote = (votes: number, samples: number): Vote => ({
  label: votes === 0 ? null : '1',
  votes,
  samples,
  agreement: votes / samples,
  unboxed: 0,
  groups: 1,
});

const kept = (samples: number, delta: number): number[] => {
  const counts = Array.from({ length: samples }, (_, i) => i + 1);
  const fates = bandFilter(
    counts.map((votes) => vote(votes, samples)),
    delta,
  );
  return counts.filter((_, i) => fates[i] === 'kept');
};

describe('bandFilter', () => {
  test.each([
    [10, 0.25, [3, 4, 5, 6, 7]], // |v/10 - 1/2| <= 1/4: 2.5 <= v <= 7.5
    [9, 0.25, [3, 4, 5, 6]], //     2.25 <= v <= 6.75
    [8, 0.25, [2, 3, 4, 5, 6]], //  2 <= v <= 6, both bounds reached
    [4, 0.25, [1, 2, 3]],
    [10, 0.2, [3, 4, 5, 6, 7]], //  both bounds reached; 0.7 - 0.5 is 0.19999999999999996, 0.5 - 0.3 is 0.2
    [10, 0.3, [2, 3, 4, 5, 6, 7, 8]], // 0.8 - 0.5 is 0.30000000000000004 in doubles
    [10, 0.1, [4, 5, 6]],
    [7, 0, []],
    [8, 0, [4]],
    [3, 0.5, [1, 2, 3]],
  ])('of %d samples at delta %d', (samples, delta, expected) => {
    expect(kept(samples, delta)).toEqual(expected);
  });

  test('bounds are included for every band that ends on a count', () => {
    for (let samples = 1; samples <= 64; samples++) {
      for (let votes = Math.ceil(samples / 2); votes <= samples; votes++) {
        expect(bandFilter([vote(votes, samples)], votes / samples - 0.5)).toEqual(['kept']);
        expect(bandFilter([vote(votes, samples)], 0.5 - (samples - votes) / samples)).toEqual(['kept']);
      }
    }
  });

  test('says why', () => {
    expect(bandFilter([vote(9, 10), vote(1, 10), vote(5, 10), vote(0, 10)], 0.25)).toEqual([
      'too_easy',
      'too_hard',
      'kept',
      'no_label',
    ]);
  });

  test('refuses a delta that is no half-width', () => {
    expect(() => bandFilter([], 0.6)).toThrow(InvalidArgument);
    expect(() => bandFilter([], Number.NaN)).toThrow(/delta is NaN/);
  });
});
