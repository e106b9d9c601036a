import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ForwardBackwardParams, LossSpec } from '../../../ts/protocol/generated.ts';
import { adamStep, freshAdam } from '../../../ts/worker/memory/adamw.ts';
import { accumulate } from '../../../ts/worker/memory/gradient.ts';
import { Ledger } from '../../../ts/worker/memory/ledger.ts';
import { type Scored, sequenceLosses, type TokenLoss } from '../../../ts/worker/memory/loss.ts';
import { manifestOf, verifyManifest } from '../../../ts/worker/memory/manifest.ts';
import { initialWeights, Policy } from '../../../ts/worker/memory/policy.ts';
import { stream } from '../../../ts/worker/memory/random.ts';
import { cutAtStop, watchStops } from '../../../ts/worker/memory/stopStrings.ts';
import { decode, END, encodeConversation, VOCABULARY } from '../../../ts/worker/memory/text.ts';
import { createMemoryWorker } from '../../../ts/worker/memoryWorker.ts';

const SPEC: LossSpec = {
  name: 'grpo',
  aggregation: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: 0,
  klCoef: 0,
  klEstimator: 'k3',
  importanceCap: 0,
  temperature: 1,
};

describe('the loss of one token', () => {
  const one = (token: Scored, advantage: number, spec: Partial<LossSpec>): TokenLoss => {
    const [loss] = sequenceLosses([token], advantage, { ...SPEC, ...spec });
    return loss as TokenLoss;
  };
  const at = (ratio: number, advantage: number, spec: Partial<LossSpec> = {}, ref?: number): TokenLoss =>
    one({ logprob: Math.log(ratio), old: 0, ref }, advantage, spec);

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
    for (const name of ['grpo', 'gspo'] as const) {
      const result = at(ratio, advantage, { name, dualClip });
      expect(result.loss).toBeCloseTo(loss, 12);
      expect(result.slope).toBeCloseTo(slope, 12);
      expect(result.clipped).toBe(clipped);
    }
  });

  test.each([
    // -A clip(r) log p, whose slope takes the clipped r for a constant
    ['cispo', 1.1, 2, -2.2 * Math.log(1.1), -2.2, false],
    ['cispo', 1.5, 2, -2.4 * Math.log(1.5), -2.4, true],
    ['cispo', 0.5, -2, 1.6 * Math.log(0.5), 1.6, true],
    // -A log p
    ['policy_gradient', 1.5, 2, -2 * Math.log(1.5), -2, false],
    ['policy_gradient', 1e9, -2, 2 * Math.log(1e9), 2, false],
  ] as const)('%s at ratio %p, advantage %p', (name, ratio, advantage, loss, slope, clipped) => {
    const result = at(ratio, advantage, { name, dualClip: 1.1 });
    expect(result.loss).toBeCloseTo(loss, 12);
    expect(result.slope).toBeCloseTo(slope, 12);
    expect(result.clipped).toBe(clipped);
  });

  test.each([
    // d = log ref - log new = ln 2
    ['k1', -Math.LN2, 1],
    ['k2', Math.LN2 ** 2 / 2, -Math.LN2],
    ['k3', 1 - Math.LN2, -1], // 2 - ln 2 - 1, slope 1 - 2
  ] as const)('%s with its slope', (klEstimator, kl, slope) => {
    const result = at(1, 0, { klCoef: 0.1, klEstimator }, Math.LN2);
    expect(result.kl).toBeCloseTo(kl, 12);
    expect(result.loss).toBeCloseTo(0.1 * kl, 12);
    expect(result.slope).toBeCloseTo(0.1 * slope, 12);
  });

  test('k3 is capped at 10, where it pulls no more', () => {
    // d = 5, e^5 - 5 - 1 = 142
    const result = at(1, 0, { klCoef: 0.1 }, 5);
    expect(result.kl).toBe(10);
    expect(Math.abs(result.slope)).toBe(0);
  });

  test('importance weighs the policy term alone, and is truncated', () => {
    const spec = { klCoef: 0.1, importanceCap: 2 };
    const token = { logprob: -1, old: -1, ref: -1 + Math.LN2 };
    const kl = 0.1 * (1 - Math.LN2);
    const weighed = one({ ...token, sampled: -1 - Math.log(1.5) }, 2, spec);
    expect([weighed.weight, weighed.capped]).toEqual([expect.closeTo(1.5, 12), false]);
    expect([weighed.loss, weighed.slope]).toEqual([expect.closeTo(-3 + kl, 12), expect.closeTo(-3 - 0.1, 12)]);
    // k3 of KL(sampler || policy): 1.5 - ln 1.5 - 1
    expect(weighed.samplerKl).toBeCloseTo(0.5 - Math.log(1.5), 12);
    const truncated = one({ ...token, sampled: -1 - Math.log(4) }, 2, spec);
    expect([truncated.weight, truncated.capped]).toEqual([2, true]);
    expect([truncated.loss, truncated.slope]).toEqual([expect.closeTo(-4 + kl, 12), expect.closeTo(-4 - 0.1, 12)]);
    const off = one({ ...token, sampled: -1 - Math.log(4) }, 2, { klCoef: 0.1 });
    expect([off.weight, off.capped, off.samplerKl]).toEqual([1, false, truncated.samplerKl]);
  });

  test('the slope is the derivative, away from the kinks', () => {
    const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
    // Not of cispo: its loss moves with the ratio, which its slope takes for a constant.
    const name = fc.constantFrom('grpo', 'gspo', 'policy_gradient' as const);
    const rule = fc.record({ name, dualClip: fc.constantFrom(0, 1.5), klEstimator: fc.constantFrom('k1', 'k2', 'k3') });
    fc.assert(
      fc.property(
        number(-1, 1),
        number(-2, 2),
        number(-1, 1),
        number(-1, 1),
        rule,
        (logprob, a, ref, sampled, rule) => {
          const spec = { ...rule, klCoef: 0.3, importanceCap: 1.5 } as Partial<LossSpec>;
          const step = 1e-6;
          const [below, here, above] = [-step, 0, step].map((d) =>
            one({ logprob: logprob + d, old: 0, ref, sampled }, a, spec),
          );
          fc.pre(below?.clipped === above?.clipped);
          const slope = ((above?.loss as number) - (below?.loss as number)) / (2 * step);
          expect(here?.slope).toBeCloseTo(slope, 4);
        },
      ),
    );
  });
});

describe('the losses of a sequence', () => {
  test('gspo has one ratio for all tokens, and each token pulls at every term', () => {
    // Log-ratios 0.25 and -0.05: s = exp(0.1), inside the bounds though the first token's own ratio is not.
    const tokens = [
      { logprob: -0.75, old: -1 },
      { logprob: -1.05, old: -1 },
    ];
    for (const loss of sequenceLosses(tokens, 2, { ...SPEC, name: 'gspo' })) {
      expect(loss.ratio).toBeCloseTo(Math.exp(0.1), 12);
      expect(loss.loss).toBeCloseTo(-2 * Math.exp(0.1), 12);
      expect(loss.slope).toBeCloseTo(-2 * Math.exp(0.1), 12);
      expect(loss.clipped).toBe(false);
    }
    // Weights 1 and 3 stay with their tokens' terms; the slope is their mean.
    const weighed = tokens.map((token, index) => ({
      ...token,
      old: token.logprob,
      sampled: token.logprob - index * Math.log(3),
    }));
    const losses = sequenceLosses(weighed, 2, { ...SPEC, name: 'gspo', importanceCap: 9 });
    expect(losses.map(({ loss }) => loss)).toEqual([expect.closeTo(-2, 12), expect.closeTo(-6, 12)]);
    expect(losses.map(({ slope }) => slope)).toEqual([expect.closeTo(-4, 12), expect.closeTo(-4, 12)]);
  });

  test('aggregation by sequence gives each token its share of the mean', () => {
    const tokens = [{ logprob: -1 }, { logprob: -2 }, { logprob: -3 }, { logprob: -4 }];
    const losses = sequenceLosses(tokens, 2, { ...SPEC, aggregation: 'sequence' });
    expect(losses.map(({ loss, slope }) => [loss, slope])).toEqual(tokens.map(() => [-0.5, -0.5]));
    expect(sequenceLosses([], 2, { ...SPEC, aggregation: 'sequence' })).toEqual([]);
  });
});

/** Two sequences, of three trained tokens. */
const PARAMS: ForwardBackwardParams = {
  modelId: 'm',
  seq: 0,
  batch: {
    tokens: Int32Array.of(65, 66, 65, 67, 66, 65),
    lengths: Int32Array.of(4, 2),
    mask: Uint8Array.of(0, 0, 1, 1, 0, 1),
    advantages: Float32Array.of(1.5, -0.5),
    oldLogprobs: Float32Array.of(0, 0, -5, -5.2, 0, -5),
    refLogprobs: Float32Array.of(0, 0, -5.5, -5, 0, -4.5),
    sampleLogprobs: Float32Array.of(0, 0, -5.5, -5, 0, -6),
  },
  loss: { ...SPEC, clipLow: 0.9, clipHigh: 3, klCoef: 0.4, importanceCap: 2, temperature: 0.8 },
  normalizer: 7,
};

test.each([
  ['grpo', 'token'],
  ['grpo', 'sequence'],
  ['gspo', 'token'],
  ['gspo', 'sequence'],
  ['policy_gradient', 'token'],
] as const)('the gradient of a batch is that of its loss, by differences: %s by %s', (name, aggregation) => {
  const weights = initialWeights(stream(3));
  const params = { ...PARAMS, loss: { ...PARAMS.loss, name, aggregation } };
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

test('of what is not finite the sequences are named, and the gradient stays', () => {
  const policy = new Policy(initialWeights(stream(3)));
  const gradient = new Float64Array(VOCABULARY ** 2).fill(0.25);
  const loss = { ...SPEC };
  const batch = { ...PARAMS.batch, advantages: Float32Array.of(0, 3e38) };
  const call = (changes: Partial<ForwardBackwardParams>) => () =>
    accumulate(policy, gradient, { ...PARAMS, loss, batch, ...changes });
  expect(call({ normalizer: 1e-300 })).toThrow('the loss of sequence 1 is not finite');
  // Each is finite, their sum is not.
  const { oldLogprobs: _, ...withoutOld } = { ...PARAMS.batch, advantages: Float32Array.of(1, 1) };
  expect(call({ normalizer: 6e-309, batch: withoutOld })).toThrow('sequences 0 to 1 is not finite');
  expect(gradient.every((value) => value === 0.25)).toBe(true);
  expect(call({ normalizer: 1 })).not.toThrow();
  expect(gradient.every((value) => value === 0.25)).toBe(false);
});

test('a step on a gradient whose norm is not finite changes nothing', () => {
  const weights = Float64Array.of(1, 2);
  const state = freshAdam(2);
  const adam = {
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.5,
    decayVectors: true,
    maxGradNorm: 1,
  };
  expect(() => adamStep(weights, Float64Array.of(1e200, 0), state, adam)).toThrow('norm of the gradient');
  expect([weights, state]).toEqual([Float64Array.of(1, 2), freshAdam(2)]);
});

describe('AdamW', () => {
  const adam = {
    learningRate: 0.1,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.5,
    decayVectors: true,
    maxGradNorm: 0,
  };

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

  const withFolder = async (action: (folder: string) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'rzero-memory-'));
    try {
      await action(folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test('a folder that is no checkpoint is io_error to load_checkpoint, model_unloadable to load_model', () =>
    withFolder(async (folder) => {
      const worker = createMemoryWorker();
      await worker.loadModel({ ...load, source: 'memory:m' });
      await expect(worker.loadCheckpoint({ modelId: 'm', path: folder })).rejects.toMatchObject({
        code: 'io_error',
        message: expect.stringContaining('lacks its manifest'),
      });
      const call = worker.loadModel({ ...load, source: folder });
      await expect(call).rejects.toMatchObject({ code: 'model_unloadable' });
    }));

  test('load_model takes a checkpoint whose manifest was lost, load_checkpoint does not', () =>
    withFolder(async (folder) => {
      const worker = createMemoryWorker();
      await worker.loadModel({ ...load, source: 'memory:m' });
      const path = join(folder, 'c');
      await worker.saveCheckpoint({ modelId: 'm', path, withOptimizer: true });
      expect(readdirSync(folder)).toEqual(['c']);
      expect(readdirSync(path).sort()).toEqual([
        'ledger.json',
        'manifest.json',
        'model.json',
        'optimizer.f64',
        'weights.f64',
      ]);
      rmSync(join(path, 'manifest.json'));
      await worker.loadModel({ ...load, modelId: 'other', source: path });
      await expect(worker.loadCheckpoint({ modelId: 'm', path })).rejects.toMatchObject({ code: 'io_error' });
    }));
});

describe('manifests', () => {
  const files = new Map([
    ['weights', Uint8Array.of(1, 2, 3)],
    ['config', Uint8Array.of()],
  ]);
  const manifest = manifestOf(files, 3, 7);
  const whole = new Map([...files, ['manifest.json', manifest]]);

  test('are those of the Python workers', () => {
    const empty = createHash('sha256').digest('hex');
    const weights = createHash('sha256')
      .update(Uint8Array.of(1, 2, 3))
      .digest('hex');
    expect(Buffer.from(manifest).toString()).toBe(`{
 "files": {
  "config": {
   "bytes": 0,
   "sha256": "${empty}"
  },
  "weights": {
   "bytes": 3,
   "sha256": "${weights}"
  }
 },
 "format": 1,
 "steps": 3,
 "weightsVersion": 7
}
`);
    expect(() => verifyManifest('p', whole, createHash('sha256').update(manifest).digest('hex'))).not.toThrow();
  });

  test.each([
    ['weights is damaged: its SHA-256 is', new Map([...whole, ['weights', Uint8Array.of(1, 2, 4)]]), undefined],
    [
      'weights is damaged: it has 1 bytes, the manifest says 3',
      new Map([...whole, ['weights', Uint8Array.of(1)]]),
      undefined,
    ],
    [
      'lacks a file that its manifest lists: config',
      new Map([...whole].filter(([name]) => name !== 'config')),
      undefined,
    ],
    ['holds a file that its manifest does not list: more', new Map([...whole, ['more', manifest]]), undefined],
    ['lacks its manifest', files, undefined],
    ['has no usable manifest', new Map([['manifest.json', Uint8Array.of(0x7b)]]), undefined],
    ['is another checkpoint', whole, '0'.repeat(64)],
  ])('%s', (problem, found, sha256) => {
    expect(() => verifyManifest('p', found, sha256)).toThrow(problem);
  });
});

test('a ledger that was written down answers as before', () => {
  const ledger = new Ledger();
  ledger.record(3, 'aa', Uint8Array.of(1));
  ledger.record(5, 'bb', Uint8Array.of(0, 255));
  expect(JSON.parse(ledger.dump())).toEqual({
    format: 1,
    highest: 5,
    answers: [
      { seq: 3, digest: 'aa', answer: 'AQ==' },
      { seq: 5, digest: 'bb', answer: 'AP8=' },
    ],
  });
  const again = Ledger.parse(ledger.dump());
  expect(again.dump()).toBe(ledger.dump());
  expect(Array.from(again.find(5, 'bb') ?? [])).toEqual([0, 255]);
  expect(() => again.find(4, 'aa')).toThrow('allowed is above 5');
  expect(again.find(6, 'aa')).toBeUndefined();
  expect(() => Ledger.parse('{"format":2}')).toThrow('format is 2');
});
