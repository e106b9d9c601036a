import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Place, Queue } from '../../../../ts/worker/pool/queue.ts';

test('a queue is in the order of an array to whose ends items come and from whose midst they go', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constantFrom('push' as const, 'unshift' as const), at: fc.constant(0) }),
    fc.record({ kind: fc.constant('delete' as const), at: fc.nat(20) }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const queue = new Queue<number>();
      const places: Place<number>[] = [];
      for (const [item, { kind, at }] of steps.entries()) {
        if (kind !== 'delete') places[kind](queue[kind](item));
        else for (const place of places.splice(at, 1)) queue.delete(place);
      }
      const seen: number[] = [];
      for (let place = queue.first; place !== undefined; place = place.next) seen.push(place.item);
      expect(seen).toEqual(places.map(({ item }) => item));
      expect(queue.size).toBe(places.length);
    }),
  );
});
