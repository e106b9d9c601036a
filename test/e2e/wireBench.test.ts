import { expect, test } from '@jest/globals';
import { measureRoundTrips } from '../../ts/bench/wire/roundTrips.ts';
import { measureThroughput } from '../../ts/bench/wire/throughput.ts';
import { python } from '../fixtures/python.ts';

test('every side answers every call, and each answer is the right one', async () => {
  const trips = await measureRoundTrips({ python: python(), sequences: 2, length: 32, repeats: 1 });
  expect(Object.keys(trips.ping)).toEqual(['packed']);
  for (const call of ['small', 'forward', 'train'] as const) {
    expect(Object.keys(trips[call])).toEqual(['packed', 'lists', 'files']);
    for (const { least } of Object.values(trips[call])) expect(least).toBeGreaterThan(0);
  }
});

test('pools of each size answer all requests', async () => {
  const options = { python: python(), workers: [1, 2], tokens: 16, requests: 8, rounds: 1 };
  const results = await measureThroughput(options);
  expect(results.map(({ workers }) => workers)).toEqual([1, 2]);
  for (const { requestsPerSecond, tokensPerSecond } of results) {
    expect(requestsPerSecond).toBeGreaterThan(0);
    expect(tokensPerSecond).toBe(requestsPerSecond * 16);
  }
});
