import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AGREEMENT_CELLS, agreementHistogram } from '../../../ts/domain/histogram.ts';

test('each share is counted once, in the nearest cell', () => {
  expect(agreementHistogram([0, 0.1, 0.04, 0.5, 5 / 9, 1, 1])).toEqual([2, 1, 0, 0, 0, 1, 1, 0, 0, 0, 2]);
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (shares) => {
      const counts = agreementHistogram(shares);
      expect(counts).toHaveLength(AGREEMENT_CELLS);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(shares.length);
    }),
  );
});

test('m of ten answers are in the cell m', () => {
  for (let m = 0; m <= 10; m++) expect(agreementHistogram([m / 10]).indexOf(1)).toBe(m);
});
