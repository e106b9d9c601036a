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
      secondsPerSample: 0.2,
    });
    const given = parseOptions(['--workers=1', '--samples', '16', '--tokens=4', '--seconds-per-sample=0']);
    expect(given).toMatchObject({ workers: 1, processes: 1, samples: 16, tokens: 4, secondsPerSample: 0 });
  });
  test.each([
    ['--workers=0', '--workers is "0": it must be a whole number from 1 to 10000'],
    ['--samples=1.5', '--samples is "1.5": it must be a whole number from 1 to 1000000000'],
    ['--request-samples=', '--request-samples is "": it must be a whole number from 1 to 100000'],
    ['--seconds-per-sample=fast', '--seconds-per-sample is "fast": it must be a number from 0 to 3600'],
  ])('%s is refused', (flag, message) => {
    expect(() => parseOptions([flag])).toThrow(message);
  });
  test('an unknown flag is wrong usage', () => {
    expect(() => parseOptions(['--worker=3'])).toThrow(expect.objectContaining({ name: 'UsageError' }));
  });
});

test('workers waited from the last answer of a step until their first request of the next, and within steps', () => {
  const account = {
    received: 0,
    sent: 0,
    idleSeconds: 3,
    firsts: { 0: [2, 2], 1: [2, 21], 2: [1, 20.25] }, // the last step is for one of them alone
    lasts: { 0: 10, 1: 20, 2: 30 },
  } as const;
  expect(waitedFor(account, 2)).toEqual({ betweenSteps: 0.5 + 0.25, withinSteps: 1.5 });
});
