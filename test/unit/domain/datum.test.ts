import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { completionsOf, trainableRows, trainStep } from '../../../ts/domain/datum.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import type { SampleBatch } from '../../../ts/protocol/generated.ts';

const sampled = (prompts: number[][], completions: number[][]): SampleBatch => ({
  weightsVersion: 0,
  promptTokens: Int32Array.from(prompts.flat()),
  promptLengths: Int32Array.from(prompts, (prompt) => prompt.length),
  tokens: Int32Array.from(completions.flat()),
  lengths: Int32Array.from(completions, (completion) => completion.length),
  // Halves and quarters are exact in float32: token t has log-prob -t/4.
  logprobs: Float32Array.from(completions.flat(), (token) => -token / 4),
  texts: completions.map(() => ''),
  stopReasons: completions.map(() => 'stop'),
});

// Two conversations of two samples.
const batch = sampled([[1, 2, 3], [4]], [[10, 11], [12], [13, 14, 15], [16, 17]]);
const advantages = Float32Array.of(1, -1, 0, 0.5);

describe('trainStep', () => {
  const all = [0, 1, 2, 3];

  test('joins prompt and completion, trains the completion', () => {
    expect(trainStep(batch, advantages, 2, all)).toEqual({
      batch: {
        tokens: Int32Array.of(1, 2, 3, 10, 11, /**/ 1, 2, 3, 12, /**/ 4, 13, 14, 15, /**/ 4, 16, 17),
        lengths: Int32Array.of(5, 4, 4, 3),
        mask: Uint8Array.of(0, 0, 0, 1, 1, /**/ 0, 0, 0, 1, /**/ 0, 1, 1, 1, /**/ 0, 1, 1),
        advantages,
      },
      trainedTokens: 8,
      rows: all,
    });
  });

  test('takes the rows asked for, in their order', () => {
    const step = trainStep(batch, advantages, 2, [3, 0, 2]);
    expect([...step.batch.tokens]).toEqual([4, 16, 17, 1, 2, 3, 10, 11, 4, 13, 14, 15]);
    expect([...step.batch.advantages]).toEqual([0.5, 1, 0]);
    expect(step.trainedTokens).toBe(7);
  });

  test('puts log-probs where their tokens are', () => {
    const old = Float32Array.from(batch.tokens, (token) => -token);
    const reference = Float32Array.from(batch.tokens, (token) => -token / 2);
    const { batch: trained } = trainStep(batch, advantages, 2, [2, 0], { old, reference, sampleLogprobs: true });
    expect([...(trained.oldLogprobs ?? [])]).toEqual([0, -13, -14, -15, 0, 0, 0, -10, -11]);
    expect([...(trained.refLogprobs ?? [])]).toEqual([0, -6.5, -7, -7.5, 0, 0, 0, -5, -5.5]);
    expect([...(trained.sampleLogprobs ?? [])]).toEqual([0, -3.25, -3.5, -3.75, 0, 0, 0, -2.5, -2.75]);
  });

  test('in whatever order, every sample is trained with its own tokens, and scores come back to their places', () => {
    const runs = (count: number, min: number) =>
      fc.array(fc.array(fc.nat({ max: 99 }), { minLength: min, maxLength: 5 }), { minLength: count, maxLength: count });
    const cases = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }))
      .chain(([prompts, n]) => fc.tuple(fc.constant(n), runs(prompts, 0), runs(prompts * n, 0)))
      .chain(([n, prompts, completions]) => {
        const rows = completions.flatMap((completion, row) => (completion.length === 0 ? [] : [row]));
        return fc.tuple(
          fc.constant({ n, prompts, completions, rows }),
          fc.shuffledSubarray(rows, { minLength: rows.length }),
        );
      });
    fc.assert(
      fc.property(cases, ([{ n, prompts, completions, rows }, order]) => {
        const samples = sampled(prompts, completions);
        expect(trainableRows(samples)).toEqual(rows);
        const weights = Float32Array.from(completions, (_, row) => row + 1);
        const step = trainStep(samples, weights, n, order);
        let position = 0;
        order.forEach((row, k) => {
          const prompt = prompts[Math.floor(row / n)] as number[];
          const completion = completions[row] as number[];
          const end = position + (step.batch.lengths[k] as number);
          expect([...step.batch.tokens.slice(position, end)]).toEqual([...prompt, ...completion]);
          expect([...step.batch.mask.slice(position, end)]).toEqual([
            ...prompt.map(() => 0),
            ...completion.map(() => 1),
          ]);
          expect(step.batch.advantages[k]).toBe(row + 1);
          position = end;
        });
        expect(position).toBe(step.batch.tokens.length);
        expect(step.trainedTokens).toBe(step.batch.mask.reduce((sum, bit) => sum + bit, 0));
        // What is scored in sample order is aligned with the samples' tokens.
        const scored = trainStep(samples, weights, n, rows).batch;
        expect([...completionsOf(Float32Array.from(scored.tokens), scored)]).toEqual([...samples.tokens]);
      }),
    );
  });

  test.each([
    ['advantages for other samples', batch, Float32Array.of(1), 2, [0], {}, /number of advantages is 1, expected 4/],
    ['another n', batch, advantages, 3, [0], {}, /number of samples \(lengths\) is 4, expected 6/],
    ['no n', batch, advantages, 0, [0], {}, /n is 0, allowed are integers from 1/],
    ['a token too few', { ...batch, tokens: batch.tokens.slice(1) }, advantages, 2, [0], {}, /tokens is 7, expected 8/],
    ['log-probs of others', { ...batch, logprobs: new Float32Array(3) }, advantages, 2, [0], {}, /log-probs is 3/],
    ['old ones of others', batch, advantages, 2, [0], { old: new Float32Array(3) }, /old log-probs is 3, expected 8/],
    ['an anchor of others', batch, advantages, 2, [0], { reference: new Float32Array(9) }, /reference log-probs is 9/],
    ['an unknown sample', batch, advantages, 2, [4], {}, /rows hold 4, allowed are samples 0 to 3/],
    ['NaN', batch, Float32Array.of(1, Number.NaN, 0, 0), 2, [1], {}, /the advantage of sample 1 is NaN/],
    ['an empty sample', sampled([[1]], [[], [5]]), Float32Array.of(1, -1), 2, [0], {}, /sample 0 has no tokens/],
  ])('refuses %s', (_, samples, weights, n, rows, options, message) => {
    expect(() => trainStep(samples, weights, n, rows, options)).toThrow(InvalidArgument);
    expect(() => trainStep(samples, weights, n, rows, options)).toThrow(message);
  });
});

test('log-probs of other tokens are refused', () => {
  const { batch: trained } = trainStep(batch, advantages, 2, [0]);
  expect(() => completionsOf(new Float32Array(3), trained)).toThrow(/3 log-probs for 5 tokens/);
});
