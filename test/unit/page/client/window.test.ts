import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { listHeight, scrollTo, windowAt } from '../../../../ts/page/client/window.ts';

const ROW = 88;
const rows = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 3_000_000 }));
const view = fc.integer({ min: ROW, max: 1_000 });
const share = fc.double({ min: 0, max: 1, noNaN: true });

test('the window covers the view wherever it is scrolled to, and is no larger than it must be', () => {
  fc.assert(
    fc.property(rows, view, share, (count, tall, at) => {
      const scrolled = at * Math.max(0, listHeight(count, ROW) - tall);
      const { first, last, top } = windowAt(count, ROW, scrolled, tall, 0);
      expect(top).toBeLessThanOrEqual(scrolled + 1e-6);
      if (last < count) expect(top + (last - first) * ROW).toBeGreaterThanOrEqual(scrolled + tall - 1e-6);
      expect(last - first).toBeLessThanOrEqual(Math.ceil(tall / ROW) + 1);
    }),
  );
});

test('the end of the scroll bar is the end of the list, however long it is', () => {
  for (const count of [1, 10, 100_000, 5_000_000]) {
    const scrolled = Math.max(0, listHeight(count, ROW) - 500);
    expect(windowAt(count, ROW, scrolled, 500, 0).last).toBe(count);
  }
});

test('a row that is scrolled to is wholly in sight, and one that is in sight already moves nothing', () => {
  fc.assert(
    fc.property(rows, view, share, share, (count, tall, at, from) => {
      const row = Math.min(count - 1, Math.floor(at * count));
      const reach = Math.max(0, listHeight(count, ROW) - tall);
      const scrolled = scrollTo(row, count, ROW, from * reach, tall);
      const { first, top } = windowAt(count, ROW, scrolled, tall, 0);
      const place = top + (row - first) * ROW - scrolled;
      // Where the bar is scaled a pixel of it is several of the list.
      const slack = 1e-3;
      expect(place).toBeGreaterThanOrEqual(-slack);
      expect(place + ROW).toBeLessThanOrEqual(Math.max(tall, ROW) + slack);
      expect(scrollTo(row, count, ROW, scrolled, tall)).toBeCloseTo(scrolled, 3);
    }),
  );
});

test('rows around the view are kept, within the list', () => {
  expect(windowAt(100, 10, 500, 50, 3)).toEqual({ first: 47, last: 58, top: 470 });
  expect(windowAt(100, 10, 0, 50, 3)).toEqual({ first: 0, last: 8, top: 0 });
  expect(windowAt(0, 10, 0, 50, 3)).toEqual({ first: 0, last: 0, top: 0 });
});
