import { describe, expect, test } from '@jest/globals';
import {
  count,
  duration,
  interval,
  number,
  pValue,
  quantity,
  signed,
  when,
  words,
} from '../../../../ts/page/client/format.ts';

test.each([
  [0, '0'],
  [0.0123456, '0.0123'],
  [1.25, '1.25'],
  [-1.5, '−1.5'],
  [310.04, '310'],
  [12_345.6, '12,346'],
  [1.234e-7, '1.2e−7'],
  [-1.234e-7, '−1.2e−7'],
])('the number %d is %s', (value, text) => expect(number(value)).toBe(text));

test.each([
  [999, '999'],
  [1_000, '1,000'],
  [1_234_567, '1,234,567'],
  [-1_000, '−1,000'],
])('the count %d is %s', (value, text) => expect(count(value)).toBe(text));

test.each([
  [0, '0 s'],
  [0.44, '0.4 s'],
  [59.4, '59 s'],
  [185, '3 min 05 s'],
  [7_800, '2 h 10 min'],
])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

describe('quantities', () => {
  test('by unit', () => {
    expect(quantity(79.04, 'percent')).toBe('79.0\u00a0%');
    expect(quantity(0.7904, 'share')).toBe('79.0\u00a0%');
    expect(quantity(1200, 'count')).toBe('1,200');
    expect(quantity(12, 'seconds')).toBe('12 s');
  });

  test.each([null, undefined, Number.NaN])('%p is unknown', (value) => expect(quantity(value, 'share')).toBe('–'));

  test('with an interval where there is one', () => {
    expect(interval(79, 77, 81.14, 'percent')).toBe('79.0\u00a0% [77.0, 81.1]');
    expect(interval(79, null, null, 'percent')).toBe('79.0\u00a0%');
    expect(interval(null, 1, 2, 'percent')).toBe('–');
  });
});

test('signs, p-values, times and names', () => {
  expect([signed(43.64), signed(-1.2), signed(0)]).toEqual(['+43.6', '−1.2', '+0.0']);
  expect([0, 9e-5, 0.0234, 0.5].map(pValue)).toEqual([
    'p\u00a0<\u00a00.0001',
    'p\u00a0<\u00a00.0001',
    'p\u00a0=\u00a00.023',
    'p\u00a0=\u00a00.50',
  ]);
  expect(when('2026-01-02T03:04:05.678Z')).toBe('2026-01-02 03:04 UTC');
  expect(when('yesterday')).toBe('yesterday');
  expect(words('too_easy')).toBe('too easy');
});
