import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  cells,
  columns,
  duration,
  oneLine,
  padEnd,
  padStart,
  plural,
  shorten,
  shortenMiddle,
  size,
  visible,
  wrap,
} from '../../../ts/report/text.ts';

test('one line holds no control character', () => {
  expect(oneLine(' a\n\tb\u001b[31m\u0000 c\u202e\r\n ')).toBe('a b [31m c');
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      expect([...oneLine(text)].every((character) => character >= ' ' && character !== '\u007f')).toBe(true);
    }),
  );
});

test.each([
  ['', 0],
  ['abc', 3],
  ['\u00e9', 1],
  ['e\u0301', 1],
  ['\u6570\u5b66', 4],
  ['\u{1f600}', 2],
  ['\u{20000}', 2],
  ['\u03c0 \u2264 4', 5],
])('%j takes %i cells', (text, expected) => {
  expect(cells(text)).toBe(expected);
});

describe('a shortened text', () => {
  test('shows that it was cut', () => {
    expect(shorten('Start with 47.', 14)).toBe('Start with 47.');
    expect(shorten('Start with 47.', 13)).toBe('Start with...');
    expect(shorten('abcdef', 3)).toBe('abc');
  });

  test('keeps its end where it is cut in the middle', () => {
    expect(shortenMiddle('one two three', 13)).toBe('one two three');
    // Two thirds of 20 are 13: `eight nine` is 10, with `seven` it would be 16. `one two ... ` fills the rest.
    expect(shortenMiddle('one two three four five six seven eight nine', 22)).toBe('one two ... eight nine');
    expect(shortenMiddle('abcdefghijklmnopqrstuvwxyz', 10)).toBe('abcdefg...');
  });

  test('is never too wide', () => {
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\u6570', '\u{1f600}') }), { maxLength: 12 });
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 30 }), (parts, width) => {
        const text = oneLine(parts.join(' '));
        expect(cells(shorten(text, width))).toBeLessThanOrEqual(width);
        expect(cells(shortenMiddle(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

test('a visible text keeps its lines, and writes control characters out', () => {
  expect(visible('a\r\n\tb\u001b[2J\u202e数\u0007')).toBe('a\n\tb\\u001b[2J\\u202e数\\u0007');
});

test('padding counts cells', () => {
  expect(padEnd('\u6570', 4)).toBe('\u6570  ');
  expect(padStart('\u6570', 4)).toBe('  \u6570');
  expect(padEnd('longer', 3)).toBe('longer');
});

test.each([
  [0, '0.0 s'],
  [0.42, '0.4 s'],
  [0.97, '1 s'],
  [59.4, '59 s'],
  [59.6, '1 min 00 s'],
  [185, '3 min 05 s'],
  [3599.7, '1 h 00 min'],
  [7800, '2 h 10 min'],
  [Number.POSITIVE_INFINITY, '-'],
  [-1, '-'],
])('%f seconds are %s', (seconds, expected) => {
  expect(duration(seconds)).toBe(expected);
});

test('nouns agree with their number', () => {
  expect([plural(1, 'steps'), plural(0, 'steps'), plural(12, 'answers')]).toEqual(['1 step', '0 steps', '12 answers']);
});

test('columns align', () => {
  const rows = [
    ['', 'count', 'what'],
    ['base', '5', 'x'],
    ['iteration 1', '1234', ''],
  ];
  expect(columns(rows, [1])).toEqual(['             count  what', 'base             5  x', 'iteration 1   1234']);
  expect(columns([])).toEqual([]);
});

test('paragraphs break at words', () => {
  expect(wrap('one two three four', 9)).toEqual(['one two', 'three', 'four']);
  expect(wrap('unbreakable', 4)).toEqual(['unbreakable']);
  expect(wrap('', 4)).toEqual([]);
});

test.each<[number, string]>([
  [0, '0 B'],
  [1023, '1023 B'],
  [1536, '1.5 KiB'],
  [200 * 1024, '200 KiB'],
  [12.3 * 2 ** 20, '12.3 MiB'],
  [4.6 * 2 ** 30, '4.6 GiB'],
  [212 * 2 ** 30, '212 GiB'],
])('%i bytes are %s', (bytes, text) => {
  expect(size(bytes)).toBe(text);
});
