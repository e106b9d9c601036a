import { describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { bandFate } from '../../../ts/domain/filter.ts';
import type { Vote } from '../../../ts/domain/vote.ts';

const vote = (votes: number, samples: number): Vote => ({
  label: votes === 0 ? null : '1',
  votes,
  samples,
  agreement: votes / samples,
  unboxed: 0,
  groups: 1,
});

const kept = (samples: number, delta: number, center = 0.5): number[] =>
  Array.from({ length: samples }, (_, i) => i + 1).filter(
    (votes) => bandFate(vote(votes, samples), { center, delta }) === 'kept',
  );

describe('bandFate', () => {
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

  test.each([
    [9, [3, 4, 5, 6, 7]], // the published 0.3 <= v/9 <= 0.8: 2.7 <= v <= 7.2
    [8, [3, 4, 5, 6]], //    2.4 <= v <= 6.4, where one of the nine had a blank box
    [10, [3, 4, 5, 6, 7, 8]], // both bounds reached
    [5, [2, 3, 4]], //       1.5 <= v <= 4, the upper bound reached
  ])('of %d samples about 0.55: the published 0.3 to 0.8', (samples, expected) => {
    expect(kept(samples, 0.25, 0.55)).toEqual(expected);
    const published = Array.from({ length: samples }, (_, i) => i + 1).filter(
      (votes) => votes * 10 >= 3 * samples && votes * 10 <= 8 * samples,
    );
    expect(published).toEqual(expected);
  });

  test('bounds are included for every band that ends on a count', () => {
    for (let samples = 1; samples <= 64; samples++) {
      for (let votes = Math.ceil(samples / 2); votes <= samples; votes++) {
        const about = (delta: number) => bandFate(vote(votes, samples), { center: 0.5, delta });
        expect(about(votes / samples - 0.5)).toBe('kept');
        expect(about(0.5 - (samples - votes) / samples)).toBe('kept');
      }
    }
  });

  test('says why', () => {
    const fates = [vote(9, 10), vote(1, 10), vote(5, 10), vote(0, 10)].map((one) =>
      bandFate(one, { center: 0.5, delta: 0.25 }),
    );
    expect(fates).toEqual(['too_easy', 'too_hard', 'kept', 'no_label']);
  });

  test('refuses what is no band', () => {
    expect(() => bandFate(vote(1, 2), { center: 0.5, delta: 0.6 })).toThrow(InvalidArgument);
    expect(() => bandFate(vote(1, 2), { center: 0.5, delta: Number.NaN })).toThrow(/delta is NaN/);
    expect(() => bandFate(vote(1, 2), { center: 2, delta: 0.1 })).toThrow(/center is 2/);
  });
});
