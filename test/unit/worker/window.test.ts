import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Window } from '../../../ts/worker/window.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('windows of one larger one never have more under way than either allows, and let everybody in, in order', async () => {
  const request = fc.record({ to: fc.nat(2), bytes: fc.integer({ min: 1, max: 9 }), aborted: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 30 }), async (requests) => {
      const [inner, all] = [8, 12];
      const outer = new Window(all);
      const windows = [0, 1, 2].map(() => new Window(inner, outer));
      const under: { to: number; index: number; bytes: number; leave: () => void }[] = [];
      const order: number[][] = [[], [], []];
      let cancelled = 0;
      for (const [index, { to, bytes, aborted }] of requests.entries()) {
        const stop = new AbortController();
        const entered = windows[to]?.enter(bytes, stop.signal) as (() => void) | Promise<() => void>;
        const enter = (leave: () => void): void => {
          under.push({ to, index, bytes, leave });
          order[to]?.push(index);
        };
        if (typeof entered === 'function') enter(entered);
        else {
          entered.then(enter, () => {
            cancelled += 1;
          });
          if (aborted) stop.abort();
        }
      }
      for (await settled(); under.length > 0; await settled()) {
        const bytesOf = (some: typeof under) => some.reduce((sum, { bytes }) => sum + bytes, 0);
        expect(bytesOf(under) <= all || under.length === 1).toBe(true);
        for (const to of [0, 1, 2]) {
          const mine = under.filter((one) => one.to === to);
          expect(bytesOf(mine) <= inner || mine.length === 1).toBe(true);
        }
        under.shift()?.leave();
      }
      expect(order.flat().length + cancelled).toBe(requests.length);
      for (const indices of order) expect(indices).toEqual([...indices].sort((a, b) => a - b));
    }),
  );
});
