import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { attachRefLogprobs, toTrainBatches } from '../../../ts/domain/datum.ts';
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

describe('toTrainBatches', () => {
  test('joins prompt and completion, trains the completion', () => {
    const steps = toTrainBatches(batch, advantages, 2, { miniBatch: 4 });
    expect(steps).toEqual([
      {
        batch: {
          tokens: Int32Array.of(1, 2, 3, 10, 11, /**/ 1, 2, 3, 12, /**/ 4, 13, 14, 15, /**/ 4, 16, 17),
          lengths: Int32Array.of(5, 4, 4, 3),
          mask: Uint8Array.of(0, 0, 0, 1, 1, /**/ 0, 0, 0, 1, /**/ 0, 1, 1, 1, /**/ 0, 1, 1),
          advantages,
          oldLogprobs: Float32Array.of(0, 0, 0, -2.5, -2.75, 0, 0, 0, -3, 0, -3.25, -3.5, -3.75, 0, -4, -4.25),
        },
        trainedTokens: 8,
        rows: [0, 1, 2, 3],
      },
    ]);
  });

  test('cuts mini-batches in the given order, the last one short', () => {
    const steps = toTrainBatches(batch, advantages, 2, { miniBatch: 3, order: [3, 0, 2, 1] });
    expect(steps.map((step) => step.rows)).toEqual([[3, 0, 2], [1]]);
    expect([...(steps[0]?.batch.tokens ?? [])]).toEqual([4, 16, 17, 1, 2, 3, 10, 11, 4, 13, 14, 15]);
    expect([...(steps[0]?.batch.advantages ?? [])]).toEqual([0.5, 1, 0]);
    expect(steps.map((step) => step.trainedTokens)).toEqual([7, 1]);
  });

  test('can leave out what has no advantage, before it cuts', () => {
    const steps = toTrainBatches(batch, advantages, 2, { miniBatch: 2, dropZero: true });
    expect(steps.map((step) => step.rows)).toEqual([[0, 1], [3]]);
    expect(toTrainBatches(batch, new Float32Array(4), 2, { miniBatch: 2, dropZero: true })).toEqual([]);
  });

  test('sends no old log-probs when the policy is its own', () => {
    const [step] = toTrainBatches(batch, advantages, 2, { miniBatch: 4, oldLogprobs: 'own' });
    expect(step?.batch).not.toHaveProperty('oldLogprobs');
  });

  test("sends the sampler's log-probs where they are asked for, whatever the old ones are", () => {
    const values = Float32Array.of(0, 0, 0, -2.5, -2.75, 0, 0, 0, -3, 0, -3.25, -3.5, -3.75, 0, -4, -4.25);
    const own = toTrainBatches(batch, advantages, 2, { miniBatch: 4, oldLogprobs: 'own', sampleLogprobs: true });
    expect(own[0]?.batch.sampleLogprobs).toEqual(values);
    expect(own[0]?.batch).not.toHaveProperty('oldLogprobs');
    const both = toTrainBatches(batch, advantages, 2, { miniBatch: 4, sampleLogprobs: true });
    expect([both[0]?.batch.sampleLogprobs, both[0]?.batch.oldLogprobs]).toEqual([values, values]);
    expect(toTrainBatches(batch, advantages, 2, { miniBatch: 4 })[0]?.batch).not.toHaveProperty('sampleLogprobs');
  });

  test('leaves out a sample without tokens, so every step trains something', () => {
    const steps = toTrainBatches(sampled([[1]], [[], [5]]), Float32Array.of(1, -1), 2, { miniBatch: 1 });
    expect(steps.map((step) => step.rows)).toEqual([[1]]);
  });

  test('however it is cut, every sample is trained once with its own tokens', () => {
    const runs = (count: number, min: number) =>
      fc.array(fc.array(fc.nat({ max: 99 }), { minLength: min, maxLength: 5 }), { minLength: count, maxLength: count });
    const cases = fc
      .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 3 }))
      .chain(([prompts, n]) =>
        fc.tuple(fc.constant(n), runs(prompts, 0), runs(prompts * n, 1), fc.integer({ min: 1, max: 5 })),
      );
    fc.assert(
      fc.property(cases, ([n, prompts, completions, miniBatch]) => {
        const weights = Float32Array.from(completions, (_, row) => row + 1);
        const steps = toTrainBatches(sampled(prompts, completions), weights, n, { miniBatch });
        expect(steps.flatMap((step) => step.rows)).toEqual(completions.map((_, row) => row));
        for (const step of steps) {
          let position = 0;
          step.rows.forEach((row, k) => {
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
        }
      }),
    );
  });

  test.each([
    [
      'advantages for other samples',
      batch,
      Float32Array.of(1),
      2,
      { miniBatch: 1 },
      /number of advantages is 1, expected 4/,
    ],
    ['another n', batch, advantages, 3, { miniBatch: 1 }, /number of samples \(lengths\) is 4, expected 6/],
    [
      'a token too few',
      { ...batch, tokens: batch.tokens.slice(1) },
      advantages,
      2,
      { miniBatch: 1 },
      /tokens is 7, expected 8/,
    ],
    [
      'log-probs that do not match',
      { ...batch, logprobs: new Float32Array(3) },
      advantages,
      2,
      { miniBatch: 1 },
      /log-probs is 3/,
    ],
    [
      'an unknown sample',
      batch,
      advantages,
      2,
      { miniBatch: 1, order: [4] },
      /order holds 4, allowed are samples 0 to 3/,
    ],
    ['no mini-batch', batch, advantages, 2, { miniBatch: 0 }, /miniBatch is 0/],
    ['NaN', batch, Float32Array.of(1, Number.NaN, 0, 0), 2, { miniBatch: 1 }, /not finite/],
  ])('refuses %s', (_, samples, weights, n, options, message) => {
    expect(() => toTrainBatches(samples, weights, n, options)).toThrow(InvalidArgument);
    expect(() => toTrainBatches(samples, weights, n, options)).toThrow(message);
  });
});

describe('attachRefLogprobs', () => {
  const [step] = toTrainBatches(batch, advantages, 2, { miniBatch: 4 });
  const trained = step?.batch as NonNullable<typeof step>['batch'];

  test('adds to a copy', () => {
    const refLogprobs = new Float32Array(trained.tokens.length).fill(-1);
    expect(attachRefLogprobs(trained, refLogprobs)).toEqual({ ...trained, refLogprobs });
    expect(trained).not.toHaveProperty('refLogprobs');
  });

  test('refuses log-probs of other tokens', () => {
    expect(() => attachRefLogprobs(trained, new Float32Array(3))).toThrow(/3 log-probs for 16 tokens/);
  });
});
