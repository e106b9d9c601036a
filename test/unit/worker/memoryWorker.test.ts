import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ForwardBackwardParams, LossSpec } from '../../../ts/protocol/generated.ts';
import { adamStep, freshAdam } from '../../../ts/worker/memory/adamw.ts';
import { accumulate, tokenLoss } from '../../../ts/worker/memory/loss.ts';
import { initialWeights, Policy } from '../../../ts/worker/memory/policy.ts';
import { stream } from '../../../ts/worker/memory/random.ts';
import { cutAtStop, watchStops } from '../../../ts/worker/memory/stopStrings.ts';
import { decode, END, encodeConversation, VOCABULARY } from '../../../ts/worker/memory/text.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';

const SPEC: LossSpec = { name: 'grpo', clipLow: 0.2, clipHigh: 0.2, dualClip: 0, klCoef: 0, temperature: 1 };

describe('the loss of one token', () => {
  const at = (ratio: number, advantage: number, spec: Partial<LossSpec> = {}, ref?: number) =>
    tokenLoss(Math.log(ratio), 0, ref, advantage, { ...SPEC, ...spec });

  test.each([
    // [ratio, A, dualClip], [loss, slope, clipped]; loss = max(-A r, -A clip(r)), slope = -A r where r decides
    [1, 1, 0, -1, -1, false],
    [1.5, 1, 0, -1.2, 0, true], // max(-1.5, -1.2)
    [0.5, 1, 0, -0.5, -0.5, false], // max(-0.5, -0.8)
    [0.5, -1, 0, 0.8, 0, true], // max(0.5, 0.8)
    [1.5, -2, 0, 3, 3, false], // max(3, 2.4)
    [3, -1, 2, 2, 0, true], // min(max(3, 1.2), 2)
    [3, 1, 2, -1.2, 0, true], // the dual clip is for negative advantages alone
  ])('ratio %p, advantage %p, dual clip %p', (ratio, advantage, dualClip, loss, slope, clipped) => {
    const result = at(ratio, advantage, { dualClip });
    expect(result.loss).toBeCloseTo(loss, 12);
    expect(result.slope).toBeCloseTo(slope, 12);
    expect(result.clipped).toBe(clipped);
  });

  test('k3 with its slope', () => {
    // d = log ref - log new = ln 2: 2 - ln 2 - 1, slope 0.1 * (1 - 2)
    const result = at(1, 0, { klCoef: 0.1 }, Math.LN2);
    expect(result.kl).toBeCloseTo(1 - Math.LN2, 12);
    expect(result.loss).toBeCloseTo(0.1 * (1 - Math.LN2), 12);
    expect(result.slope).toBeCloseTo(-0.1, 12);
    // Capped at 10, where it pulls no more: d = 5, e^5 - 5 - 1 = 142
    expect(at(1, 0, { klCoef: 0.1 }, 5)).toMatchObject({ kl: 10, slope: -0 });
  });

  test('the slope is the derivative, away from the kinks', () => {
    const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
    fc.assert(
      fc.property(number(-1, 1), number(-2, 2), number(-1, 1), fc.constantFrom(0, 1.5), (logprob, a, ref, dualClip) => {
        const spec = { ...SPEC, dualClip, klCoef: 0.3 };
        const step = 1e-6;
        const [below, here, above] = [-step, 0, step].map((d) => tokenLoss(logprob + d, 0, ref, a, spec));
        fc.pre(below?.clipped === above?.clipped);
        const slope = ((above?.loss as number) - (below?.loss as number)) / (2 * step);
        expect(here?.slope).toBeCloseTo(slope, 4);
      }),
    );
  });
});

test('the gradient of a batch is that of its loss, by differences', () => {
  const weights = initialWeights(stream(3));
  const params: ForwardBackwardParams = {
    modelId: 'm',
    seq: 0,
    batch: {
      tokens: Int32Array.of(65, 66, 65, 67, 66, 65),
      lengths: Int32Array.of(4, 2),
      mask: Uint8Array.of(0, 0, 1, 1, 0, 1),
      advantages: Float32Array.of(1.5, -0.5),
      oldLogprobs: Float32Array.of(0, 0, -5, -5.2, 0, -5),
      refLogprobs: Float32Array.of(0, 0, -5.5, -5, 0, -4.5),
    },
    loss: { ...SPEC, clipLow: 0.9, clipHigh: 3, klCoef: 0.4, temperature: 0.8 },
    normalizer: 7,
  };
  const gradient = new Float64Array(weights.length);
  const { tokens } = accumulate(new Policy(weights), gradient, params);
  expect(tokens).toBe(3);
  const loss = (position: number, change: number): number => {
    const moved = weights.slice();
    moved[position] = (moved[position] as number) + change;
    return accumulate(new Policy(moved), new Float64Array(weights.length), params).loss;
  };
  // Weights of rows that are trained (66 and 65), at drawn and other tokens, and one of a row that is not.
  for (const [row, token] of [
    [66, 65],
    [65, 67],
    [65, 70],
    [66, 256],
    [67, 66],
  ] as const) {
    const position = row * VOCABULARY + token;
    expect(gradient[position]).toBeCloseTo((loss(position, 1e-5) - loss(position, -1e-5)) / 2e-5, 7);
  }
});

describe('AdamW', () => {
  const adam = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.5, maxGradNorm: 0 };

  test('the first step is the sign of the gradient, and the decay', () => {
    const weights = Float64Array.of(2, 0);
    adamStep(weights, Float64Array.of(3, 0), freshAdam(2), adam);
    // 2 - 0.1 * (3/3 + 0.5 * 2)
    expect(weights[0]).toBeCloseTo(1.8, 7);
    expect(weights[1]).toBe(0);
  });

  test('the gradient is scaled down to the norm, the norm before is returned', () => {
    const weights = Float64Array.of(0, 0);
    const step = { ...adam, epsilon: 1, weightDecay: 0, maxGradNorm: 1 };
    expect(adamStep(weights, Float64Array.of(3, 4), freshAdam(2), step)).toBe(5);
    // scaled to (0.6, 0.8): -0.1 * 0.6 / (0.6 + 1), -0.1 * 0.8 / (0.8 + 1)
    expect(weights[0]).toBeCloseTo(-0.0375, 12);
    expect(weights[1]).toBeCloseTo(-0.08 / 1.8, 12);
  });
});

test('text makes the round trip through tokens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 8 }), (content) => {
      expect(decode(encodeConversation([{ role: 'user', content }]))).toBe(content);
    }),
  );
});

test('a content has no length at which its bytes are too many', () => {
  expect(encodeConversation([{ role: 'user', content: 'é'.repeat(500_000) }])).toHaveLength(1_000_002);
});

describe('stop strings', () => {
  test('the watch finds what a search in the whole text finds', () => {
    const bytes = [...new TextEncoder().encode('ab\u00e9\u{1f600}'), END, 0xff];
    const strings = fc.array(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '\ufffd'), minLength: 1, maxLength: 4 }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    // Bytes one by one, and whole characters, which single bytes seldom make.
    const part = fc.oneof(
      fc.constantFrom(...bytes).map((byte) => [byte]),
      fc.constantFrom('a', 'é', '😀').map((text) => [...new TextEncoder().encode(text)]),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 60 }), strings, (parts, stop) => {
        const tokens = parts.flat();
        const completes = watchStops(stop);
        const found = tokens.findIndex((token) => completes(token));
        const text = (count: number): string => decode(tokens.slice(0, count));
        const first = tokens.findIndex((_, index) => stop.some((string) => text(index + 1).includes(string)));
        expect(found).toBe(first);
      }),
      { numRuns: 1000 },
    );
  });

  test('the text ends before the earliest occurrence', () => {
    expect(cutAtStop('xabcab', ['ab', 'b', 'never'])).toBe('x');
    expect(cutAtStop('xabcab', ['bc', 'xabcabx'])).toBe('xa');
    expect(cutAtStop('xabcab', ['never'])).toBe('xabcab');
    expect(cutAtStop('xabcab', [])).toBe('xabcab');
  });
});

test('forward gives the log-probs of sampling, at any temperature', async () => {
  const worker = createMemoryWorker();
  await worker.loadModel({ modelId: 'm', source: 'memory:m', trainable: false, seed: 1 });
  const conversations = [{ messages: [{ role: 'user' as const, content: 'x' }] }];
  for (const temperature of [0.3, 1, 1.7]) {
    const sampling = { temperature, topP: 1, topK: 0, maxTokens: 40 };
    const batch = await worker.sample({ modelId: 'm', conversations, n: 1, seeds: Uint32Array.of(3), sampling });
    const tokens = Int32Array.of(...batch.promptTokens, ...batch.tokens);
    const { logprobs } = await worker.forward({
      modelId: 'm',
      tokens,
      lengths: Int32Array.of(tokens.length),
      temperature,
    });
    expect(logprobs.slice(batch.promptTokens.length)).toEqual(batch.logprobs);
  }
});

describe('sources and checkpoints', () => {
  const load = { modelId: 'm', trainable: true, seed: 1 };

  test('a source is memory:NAME or a checkpoint', async () => {
    const worker = createMemoryWorker();
    await worker.loadModel({ ...load, source: 'memory:anything' });
    await expect(worker.loadModel({ ...load, source: 'anything' })).rejects.toMatchObject({
      code: 'model_unloadable',
      message: expect.stringMatching(/"anything".*memory:NAME/),
    });
  });

  test('a folder that is no checkpoint is io_error to load_checkpoint, model_unloadable to load_model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rzero-memory-'));
    try {
      const worker = createMemoryWorker({ checkpoints: 'folders' });
      await worker.loadModel({ ...load, source: 'memory:m' });
      await expect(worker.loadCheckpoint({ modelId: 'm', path: folder })).rejects.toMatchObject({ code: 'io_error' });
      const call = worker.loadModel({ ...load, source: folder });
      await expect(call).rejects.toMatchObject({ code: 'model_unloadable' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
