import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Heap } from '../../../../ts/worker/pool/heap.ts';

test('the first of a heap has the least rank, however ranks change and items go', () => {
  const step = fc.record({ item: fc.nat(9), rank: fc.option(fc.tuple(fc.nat(3), fc.nat(3)), { nil: undefined }) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const heap = new Heap<number>();
      const model = new Map<number, readonly number[]>();
      for (const { item, rank } of steps) {
        if (rank === undefined) {
          heap.delete(item);
          model.delete(item);
        } else {
          // The item itself breaks ties.
          heap.set(item, [...rank, item]);
          model.set(item, [...rank, item]);
        }
        const order = [...model].sort(([, a], [, b]) => a.reduce((sum, one, i) => sum || one - (b[i] as number), 0));
        expect(heap.first).toBe(order[0]?.[0]);
        expect(heap.size).toBe(model.size);
        expect([...heap].sort()).toEqual([...model.keys()].sort());
      }
    }),
  );
});
