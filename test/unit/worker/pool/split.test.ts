import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { SampleBatch, SampleParams } from '../../../../ts/protocol/generated.ts';
import { joinBatches, miscount, splitSample } from '../../../../ts/worker/pool/split.ts';

function request(conversations: number, n: number, seeds = conversations): SampleParams {
  return {
    modelId: 'm',
    conversations: Array.from({ length: conversations }, (_, index) => ({
      messages: [{ role: 'user', content: String(index) }],
    })),
    n,
    seeds: Uint32Array.from({ length: seeds }, (_, index) => 1000 + index),
    sampling: { temperature: 1, topP: 1, topK: 0, maxTokens: 8 },
  };
}

test('parts hold every conversation once, in order, each with its seed, and no more samples than allowed', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 60 }), (count, n, most) => {
      const whole = request(count, n);
      const parts = splitSample(whole, most).map(({ params }) => params);
      expect(parts.flatMap(({ conversations }) => conversations)).toEqual(whole.conversations);
      expect(parts.flatMap(({ seeds }) => [...seeds])).toEqual([...whole.seeds]);
      for (const { conversations } of parts) {
        expect(conversations.length === 1 || conversations.length * n <= most).toBe(true);
      }
      expect(parts.every(({ conversations }) => conversations.length > 0) || count === 0).toBe(true);
    }),
  );
});

test('a request is whole where nothing limits it, is empty, or is one that a worker will refuse', () => {
  for (const [params, most] of [
    [request(5, 2), Number.POSITIVE_INFINITY],
    [request(0, 2), 1],
    [request(5, 2, 4), 1],
  ] as const) {
    const parts = splitSample(params, most);
    expect(parts).toHaveLength(1);
    expect(parts[0]?.params).toEqual(params);
  }
});

test('a part weighs its prompts and all tokens it may draw', () => {
  expect(splitSample(request(4, 3), 6).map(({ tokens }) => tokens)).toEqual([2 * 3 * 8 + 0.5, 2 * 3 * 8 + 0.5]);
});

test('batches are joined in their order', () => {
  const batch = (token: number): SampleBatch => ({
    weightsVersion: 3,
    promptTokens: Int32Array.of(token, token),
    promptLengths: Int32Array.of(2),
    tokens: Int32Array.of(token + 1),
    lengths: Int32Array.of(1),
    logprobs: Float32Array.of(-token),
    texts: [`t${token}`],
    stopReasons: ['stop'],
  });
  expect(joinBatches([batch(1), batch(5)])).toEqual({
    weightsVersion: 3,
    promptTokens: Int32Array.of(1, 1, 5, 5),
    promptLengths: Int32Array.of(2, 2),
    tokens: Int32Array.of(2, 6),
    lengths: Int32Array.of(1, 1),
    logprobs: Float32Array.of(-1, -5),
    texts: ['t1', 't5'],
    stopReasons: ['stop', 'stop'],
  });
});

test('a batch that holds less or more than was asked for is found out', () => {
  const asked = request(2, 1);
  const whole: SampleBatch = {
    weightsVersion: 0,
    promptTokens: Int32Array.of(1, 2, 3),
    promptLengths: Int32Array.of(1, 2),
    tokens: Int32Array.of(4, 5),
    lengths: Int32Array.of(2, 0),
    logprobs: Float32Array.of(-1, -1),
    texts: ['45', ''],
    stopReasons: ['stop', 'length'],
  };
  expect(miscount(whole, asked)).toBeUndefined();
  expect(miscount({ ...whole, texts: ['45'] }, asked)).toBe('texts: saw 1 values, expected 2');
  expect(miscount({ ...whole, logprobs: Float32Array.of(-1) }, asked)).toBe('logprobs: saw 1 values, expected 2');
  expect(miscount({ ...whole, lengths: Int32Array.of(2) }, asked)).toBe('lengths: saw 1 values, expected 2');
  expect(miscount(whole, request(3, 1))).toBe('promptLengths: saw 2 values, expected 3');
});
