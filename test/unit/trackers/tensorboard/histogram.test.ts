import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { histogramOf } from '../../../../ts/trackers/tensorboard/histogram.ts';

test('every share lies in one bucket, within its limits', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }), (shares) => {
      const { limits, counts, num, min, max } = histogramOf(shares);
      expect([num, min, max]).toEqual([shares.length, Math.min(...shares), Math.max(...shares)]);
      const below = (limit: number) => shares.filter((share) => share <= limit).length;
      expect(counts).toEqual(limits.map((limit, index) => below(limit) - below(limits[index - 1] ?? -1)));
    }),
  );
});

test('shares of 10 votes lie in the middle of buckets', () => {
  const { limits, counts } = histogramOf([0, 0.3, 0.3, 1]);
  const full = counts.flatMap((count, index) => (count === 0 ? [] : [[(limits[index] as number) - 0.025, count]]));
  expect(full.map(([middle, count]) => [Number(middle?.toFixed(6)), count])).toEqual([
    [0, 1],
    [0.3, 2],
    [1, 1],
  ]);
});
