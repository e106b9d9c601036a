import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inOrder, ORDERS, problemBatches } from '../../../ts/domain/curriculum.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { stream } from '../../../ts/domain/random.ts';

describe('problemBatches', () => {
  test('every batch is full, and no problem comes again before all have come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 10 }),
        (count, batchSize, batches) => {
          const problems = Array.from({ length: count }, (_, i) => i);
          const result = problemBatches(problems, batchSize, batches, stream(1, count));
          expect(result.map((batch) => batch.length)).toEqual(new Array(batches).fill(batchSize));
          const flat = result.flat();
          for (let epoch = 0; epoch < flat.length; epoch += count) {
            const seen = flat.slice(epoch, epoch + count);
            expect(new Set(seen).size).toBe(seen.length);
          }
        },
      ),
    );
  });

  test('epochs have orders of their own', () => {
    const problems = Array.from({ length: 20 }, (_, i) => i);
    const [first, second] = problemBatches(problems, 20, 2, stream(1));
    expect(first).not.toEqual(problems);
    expect(second).not.toEqual(first);
  });

  test('nothing to draw from gives nothing', () => {
    expect(problemBatches([], 4, 3, stream(1))).toEqual([]);
  });

  test('refuses an empty batch', () => {
    expect(() => problemBatches([1], 0, 1, stream(1))).toThrow(InvalidArgument);
  });
});

test('without randomness every epoch has the given order', () => {
  expect(problemBatches([1, 2, 3], 2, 3, null)).toEqual([
    [1, 2],
    [3, 1],
    [2, 3],
  ]);
});

test('orders', () => {
  const kept = [0.5, 0.3, 0.7, 0.5].map((agreement, id) => ({ agreement, id }));
  const ids = ORDERS.map((order) => inOrder(kept, order).map(({ id }) => id));
  expect(ids).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
    [2, 0, 3, 1],
    [1, 0, 3, 2],
  ]);
});
