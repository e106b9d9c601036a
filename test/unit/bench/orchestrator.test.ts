import { describe, expect, test } from '@jest/globals';
import { parseOptions } from '../../../ts/bench/orchestrator/options.ts';
import { waitedFor } from '../../../ts/bench/orchestrator/waited.ts';

describe('options', () => {
  test('are a thousand workers and a million samples unless told otherwise', () => {
    expect(parseOptions([])).toEqual({
      workers: 1_000,
      processes: 2,
      samples: 1_000_000,
      stepSamples: 20_480,
      requestSamples: 8,
      tokens: 128,
      rows: 64,
      sampleSeconds: 12.8,
      loadSeconds: 4,
      hurry: 8,
    });
    const given = parseOptions(['--workers=1', '--samples', '16', '--tokens=4', '--sample-seconds=0']);
    expect(given).toMatchObject({ workers: 1, processes: 1, samples: 16, tokens: 4, sampleSeconds: 0 });
  });
  test.each([
    ['--workers=0', '--workers is "0": it must be a whole number from 1 to 10000'],
    ['--samples=1.5', '--samples is "1.5": it must be a whole number from 1 to 1000000000'],
    ['--request-samples=', '--request-samples is "": it must be a whole number from 1 to 100000'],
    ['--sample-seconds=fast', '--sample-seconds is "fast": it must be a number from 0 to 3600'],
    ['--hurry=0', '--hurry is "0": it must be a number above 0, at most 3600'],
  ])('%s is refused', (flag, message) => {
    expect(() => parseOptions([flag])).toThrow(message);
  });
  test('an unknown flag is wrong usage', () => {
    expect(() => parseOptions(['--worker=3'])).toThrow(expect.objectContaining({ name: 'UsageError' }));
  });
});

test('workers waited between steps, but not for weights that were on their way, and within steps', () => {
  const account = {
    received: 0,
    sent: 0,
    idleSeconds: 3,
    firsts: { 0: [2, 2], 1: [2, 2 * 20], 2: [1, 31] }, // the last step is for one of them alone
    lasts: { 0: 10, 1: 20, 2: 40 },
    // Who publishes is told after 0.5 s and takes 4; the other is told 0.25 s later, takes 4 too, and has a request at 20.
    told: { 1: [10.5, 14.75], 2: [20.5] },
    taken: { 1: [14.5, 18.75], 2: [30] },
  } as const;
  expect(waitedFor(account, 2)).toEqual({
    betweenSteps: 0.5 + 0.25 + (20 - 18.75) + 0.5 + (31 - 30),
    withinSteps: 1.5,
  });
});
