import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bars } from '../../../ts/report/bars.ts';

test('the largest is full, the others in proportion', () => {
  expect(bars([0, 1, 2, 4, 8, 0], true)).toBe(' ▁▂▄█ ');
  expect(bars([0, 1, 2, 4, 8, 0], false)).toBe(' .:=@ ');
  expect(bars([0, 0], true)).toBe('  ');
});

const counts = fc.array(fc.nat(1000), { minLength: 1, maxLength: 11 });
const height = (bar: string) => ' ▁▂▃▄▅▆▇█'.indexOf(bar);

test('one character a count; a space is none and nothing else is; more is never lower; ten times as many look alike', () => {
  fc.assert(
    fc.property(counts, (some) => {
      const heights = [...bars(some, true)].map(height);
      expect(heights).toHaveLength(some.length);
      for (const [index, count] of some.entries()) {
        expect(heights[index] === 0).toBe(count === 0);
        for (const [other, more] of some.entries()) {
          if (more >= count) expect(heights[other]).toBeGreaterThanOrEqual(heights[index] as number);
        }
      }
      const larger = some.map((count) => 10 * count);
      expect(bars(larger, true)).toBe(bars(some, true));
    }),
  );
});

test('ASCII stands for the same heights', () => {
  fc.assert(
    fc.property(counts, (some) => {
      const ascii = bars(some, false);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is all of ASCII
      expect(ascii).toMatch(/^[\u0000-\u007f]*$/);
      expect([...ascii].map((sign) => ' .:-=+*#@'.indexOf(sign))).toEqual([...bars(some, true)].map(height));
    }),
  );
});
