import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Portion, placesOf, portions } from '../../../ts/eval/portions.ts';

const sizes = { items: fc.integer({ min: 1, max: 40 }), size: fc.integer({ min: 1, max: 70 }) };
const keysOf = (portion: Portion) => placesOf(portion).map(({ item, sample }) => `${portion.mode} ${item} ${sample}`);

test('every response is drawn once, by requests of bounded size, greedy ones first', () => {
  fc.assert(
    fc.property(
      sizes.items,
      fc.integer({ min: 0, max: 20 }),
      fc.boolean(),
      sizes.size,
      (items, samples, greedy, size) => {
        const all = portions(items, samples, greedy, size);
        const keys = all.flatMap(keysOf);
        expect(new Set(keys).size).toBe(keys.length);
        expect(keys).toHaveLength(items * (samples + Number(greedy)));
        expect(Math.max(0, ...all.map((portion) => placesOf(portion).length))).toBeLessThanOrEqual(size);
        const modes = all.map(({ mode }) => mode);
        expect(modes).toEqual([...modes].sort());
      },
    ),
  );
});

test('more samples are more of the same requests, from a power of two that fills a request', () => {
  fc.assert(
    fc.property(sizes.items, sizes.size, fc.integer({ min: 0, max: 5 }), (items, size, doublings) => {
      const rounds = 2 ** Math.floor(Math.log2(Math.max(1, size / items)));
      const few = portions(items, rounds * 2 ** doublings, true, size);
      const many = portions(items, rounds * 2 ** (doublings + 2), true, size);
      expect(many.slice(0, few.length)).toEqual(few);
    }),
  );
});

test('a request has whole rounds where there is room, else a part of one', () => {
  expect(portions(3, 4, false, 7)).toEqual([
    { mode: 'sampled', from: 0, to: 3, first: 0, last: 2 },
    { mode: 'sampled', from: 0, to: 3, first: 2, last: 4 },
  ]);
  expect(portions(3, 1, true, 2)).toEqual([
    { mode: 'greedy', from: 0, to: 2, first: 0, last: 1 },
    { mode: 'greedy', from: 2, to: 3, first: 0, last: 1 },
    { mode: 'sampled', from: 0, to: 2, first: 0, last: 1 },
    { mode: 'sampled', from: 2, to: 3, first: 0, last: 1 },
  ]);
});
