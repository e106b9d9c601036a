import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Scores } from '../../../ts/domain/datum.ts';
import { type Requests, Scoring } from '../../../ts/loop/scoring.ts';
import type { SampleBatch } from '../../../ts/protocol/generated.ts';

/** Samples of conversations `first` on, one a conversation: conversation k has a sample of k % 3 tokens k. */
function batchOf(first: number, conversations: number): SampleBatch {
  const numbers = Array.from({ length: conversations }, (_, index) => first + index);
  const tokens = numbers.flatMap((number) => Array.from({ length: number % 3 }, () => number));
  return {
    weightsVersion: 0,
    promptTokens: Int32Array.from(numbers),
    promptLengths: Int32Array.from(numbers, () => 1),
    tokens: Int32Array.from(tokens),
    lengths: Int32Array.from(numbers, (number) => number % 3),
    logprobs: new Float32Array(tokens.length),
    texts: numbers.map(String),
    stopReasons: numbers.map(() => 'stop'),
  };
}

/** A scorer that gives each token minus itself, and remembers what it was asked. */
function scorer(requests: Requests) {
  const calls: string[][] = [];
  const scoring = new Scoring(async ({ texts, tokens }): Promise<Scores> => {
    calls.push([...texts]);
    return { old: Float32Array.from(tokens, (token) => -token) };
  }, requests);
  return { scoring, calls };
}

test('whatever order requests are answered in, each gets its scores, and the calls are the same', async () => {
  const cases = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 700 })).chain(([all, each]) => {
    const firsts = Array.from({ length: Math.ceil(all / each) }, (_, index) => index * each);
    return fc.tuple(fc.constant({ all, each, firsts }), fc.shuffledSubarray(firsts, { minLength: firsts.length }));
  });
  await fc.assert(
    fc.asyncProperty(cases, async ([{ all, each, firsts }, order]) => {
      const requests = { conversations: all, perRequest: each, n: 1, cut: false };
      const draw = (first: number) => batchOf(first, Math.min(each, all - first));
      const shuffled = scorer(requests);
      const added = order.map(async (first) => [first, await shuffled.scoring.add(draw(first), first)] as const);
      for (const [first, { old }] of await Promise.all(added)) {
        expect([...(old ?? [])]).toEqual([...draw(first).tokens].map((token) => 0 - token));
      }
      const inOrder = scorer(requests);
      await Promise.all(firsts.map((first) => inOrder.scoring.add(draw(first), first)));
      expect(new Set(shuffled.calls.map((call) => call.join()))).toEqual(
        new Set(inOrder.calls.map((call) => call.join())),
      );
      for (const call of shuffled.calls) expect(call.length).toBeLessThanOrEqual(Math.max(512, each));
    }),
    { numRuns: 50 },
  );
});

describe('512 samples go together', () => {
  test('of requests of 64: eight, and the rest', async () => {
    const { scoring, calls } = scorer({ conversations: 160, perRequest: 16, n: 4, cut: false });
    const firsts = Array.from({ length: 10 }, (_, index) => 16 * index);
    await Promise.all(firsts.map((first) => scoring.add(batchOf(first, 16), first)));
    expect(calls.map((call) => call.length)).toEqual([128, 32]); // conversations of four samples
  });

  test('not where some may never be answered', async () => {
    const { scoring, calls } = scorer({ conversations: 160, perRequest: 16, n: 4, cut: true });
    await scoring.add(batchOf(32, 16), 32);
    expect(calls).toHaveLength(1);
  });
});

test("a failure is every part's", async () => {
  const scoring = new Scoring(
    async () => {
      throw new Error('broken');
    },
    { conversations: 2, perRequest: 1, n: 1, cut: false },
  );
  const parts = [scoring.add(batchOf(0, 1), 0), scoring.add(batchOf(1, 1), 1)];
  for (const part of parts) await expect(part).rejects.toThrow('broken');
});
