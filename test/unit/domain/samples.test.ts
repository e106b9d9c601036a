import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { groupTexts, joinBatches } from '../../../ts/domain/samples.ts';
import type { SampleBatch } from '../../../ts/protocol/generated.ts';

const batchOf = (completions: number[][]): SampleBatch => ({
  weightsVersion: 3,
  promptTokens: Int32Array.from(completions, (_, index) => index),
  promptLengths: Int32Array.from(completions, () => 1),
  tokens: Int32Array.from(completions.flat()),
  lengths: Int32Array.from(completions, (completion) => completion.length),
  logprobs: Float32Array.from(completions.flat(), (token) => -token),
  texts: completions.map((completion) => completion.join(' ')),
  stopReasons: completions.map(() => 'stop'),
});

test('batches that are joined hold all samples in order', () => {
  const completions = fc.array(fc.array(fc.nat({ max: 9 }), { maxLength: 4 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(completions, { minLength: 1, maxLength: 4 }), (parts) => {
      const joined = joinBatches(parts.map(batchOf));
      const { promptTokens, ...whole } = batchOf(parts.flat());
      expect(joined).toMatchObject(whole);
      expect([...joined.promptTokens]).toEqual(parts.flatMap((part) => part.map((_, index) => index)));
    }),
  );
});

test('no batch cannot be joined', () => {
  expect(() => joinBatches([])).toThrow(RangeError);
});

test('texts by conversation', () => {
  expect(groupTexts(['a', 'b', 'c', 'd'], 2)).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});
