import { expect, test } from '@jest/globals';
import type { SampleBatch, SampleParams } from '../../../../ts/protocol/generated.ts';
import { miscount } from '../../../../ts/worker/pool/miscount.ts';

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
