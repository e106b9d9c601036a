import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { listed } from '../../../ts/bench/wire/lists.ts';
import { parseOptions } from '../../../ts/bench/wire/options.ts';
import { messageSizes } from '../../../ts/bench/wire/sizes.ts';
import { formatResults } from '../../../ts/bench/wire/table.ts';
import { quantile, summarise, type Times, timeInTurns } from '../../../ts/bench/wire/timing.ts';

describe('options', () => {
  test('40 repeats unless told otherwise', () => {
    expect(parseOptions([])).toEqual({ repeats: 40 });
    expect(parseOptions(['--repeats', '3'])).toEqual({ repeats: 3 });
  });
  test.each(['0', '-1', '2.5', '10000', 'many', ''])('--repeats %j is refused', (value) => {
    expect(() => parseOptions([`--repeats=${value}`])).toThrow(
      `--repeats is "${value}": it must be a whole number from 1 to 9999`,
    );
  });
  test.each([['--repeat', '3'], ['3'], ['--repeats']])('%j %j is wrong usage, in one line', (...args) => {
    expect(() => parseOptions(args)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    expect(() => parseOptions(args)).toThrow(/^[^\n]+$/);
  });
});

describe('timing', () => {
  test('quantiles lie between their neighbours', () => {
    expect([0, 0.25, 0.5, 0.9, 1].map((share) => quantile([30, 10, 20, 50, 40], share))).toEqual([10, 20, 30, 46, 50]);
    expect(quantile([7], 0.3)).toBe(7);
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
  test('a quantile leaves its share of the values at or below it', () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
        const below = all.filter((value) => value <= quantile(all, share)).length;
        expect(below).toBeGreaterThanOrEqual(Math.floor(share * (all.length - 1)) + 1);
      }),
    );
  });
  test('a summary is in whole microseconds', () => {
    expect(summarise([1.23456, 2, 3, 4, 5.98765])).toEqual({
      median: 3,
      quartiles: [2, 4],
      least: 1.235,
      repeats: 5,
    });
  });
  test('calls are made in turns, the first two of each turn uncounted, and timed one by one', async () => {
    const made: string[] = [];
    let now = 0;
    const call = (name: string, milliseconds: number) => async () => {
      made.push(name);
      now += milliseconds;
    };
    const times = await timeInTurns({ a: call('a', 1), b: call('b', 5) }, 12, () => now);
    expect(made.join('')).toBe(['a'.repeat(12), 'b'.repeat(12), 'a'.repeat(4), 'b'.repeat(4)].join(''));
    expect(times.a).toEqual({ median: 1, quartiles: [1, 1], least: 1, repeats: 12 });
    expect(times.b).toEqual({ median: 5, quartiles: [5, 5], least: 5, repeats: 12 });
  });
});

describe('sizes', () => {
  const sizes = messageSizes(256, 512);
  test('a token with its mask, log-prob and share of the advantages takes at most 9.5 bytes, envelope included', () => {
    expect(sizes.train.packed).toBeLessThanOrEqual(9.5);
    // Nothing is left out: 4 for the token, 4 for the log-prob, 1 for the mask.
    expect(sizes.train.packed).toBeGreaterThan(9);
    expect(sizes.trainWithReference.packed - sizes.train.packed).toBeCloseTo(4, 2);
  });
  test('lists and JSON take more', () => {
    for (const { packed, lists, json } of Object.values(sizes)) {
      expect(lists).toBeGreaterThan(packed);
      expect(json).toBeGreaterThan(lists);
    }
  });
  test('lists hold the numbers of every typed array, however deep', () => {
    const value = { n: 1, inner: { f: Float32Array.of(0.5), u: Uint8Array.of(1, 2) }, texts: ['a'] };
    expect(listed(value)).toEqual({ n: 1, inner: { f: [0.5], u: [1, 2] }, texts: ['a'] });
  });
});

test('the tables give times with what the others take of ours', () => {
  const times = (median: number): Times => ({ median, quartiles: [median, median], least: median, repeats: 1 });
  const size = { packed: 9.018, lists: 12.159, json: 23.9 };
  const text = formatResults(
    {
      bytesPerToken: { train: size, trainWithReference: size, sample: size },
      milliseconds: {
        ping: { packed: times(0.1) },
        small: { packed: times(0.2), lists: times(0.1), files: times(2) },
        forward: { packed: times(2), lists: times(20), files: times(250) },
        train: { packed: times(2), lists: times(20), files: times(250) },
      },
      throughput: [{ workers: 8, requestsPerSecond: 1600, tokensPerSecond: 16_000_000 }],
    },
    100_000,
  );
  expect(text.split('\n')).toEqual(
    expect.arrayContaining([
      '| batch to train on: tokens, mask, log-probs, advantages | 9.02 | 12.16 | 23.90 |',
      '| ping | 0.100 |  |  |',
      '| forward, 16 tokens | 0.200 | 0.100 (0.5 x) | 2.00 (10.0 x) |',
      '| forward_backward, 100,000 tokens | 2.00 | 20.0 (10.0 x) | 250 (125.0 x) |',
      '| 8 | 1,600 | 16,000,000 |',
    ]),
  );
});
