import { expect } from '@jest/globals';
import type { Case, Context } from '../context.ts';
import {
  adam,
  completionLogprobs,
  distance,
  failureOf,
  LOSS,
  sampleParams,
  sequencesOf,
  trainBatch,
  userTurns,
} from '../requests.ts';

const NOTHING = { tokens: new Int32Array(), lengths: new Int32Array() };

/** A trainable model under `modelId`, and its context's length in tokens. */
async function loadSized({ worker, source }: Context, modelId: string): Promise<number> {
  return (await worker.loadModel({ modelId, source, trainable: true, seed: 7 })).contextLength;
}

/** `count` equal tokens as one sequence. */
function sequence(count: number): { tokens: Int32Array; lengths: Int32Array } {
  return { tokens: new Int32Array(count).fill(5), lengths: Int32Array.of(count) };
}

export const SIZES: readonly Case[] = [
  {
    name: 'no conversations, whatever n is, and no sequences get empty answers',
    async run({ worker, load }) {
      const modelId = await load();
      const none = await worker.sample(sampleParams(modelId, { conversations: [], n: 100_000 }));
      expect([none.promptLengths.length, none.promptTokens.length, none.logprobs.length]).toEqual([0, 0, 0]);
      expect(none.stopReasons).toEqual([]);
      expect((await worker.forward({ modelId, ...NOTHING, temperature: 1 })).logprobs).toHaveLength(0);
      const batch = { ...NOTHING, mask: new Uint8Array(), advantages: new Float32Array() };
      // Means over nothing are 0; the ratio of nothing moved is 1.
      expect(await worker.forwardBackward({ modelId, seq: 0, batch, loss: LOSS, normalizer: 1 })).toEqual({
        loss: 0,
        kl: 0,
        entropy: 0,
        clipFraction: 0,
        ratioMean: 1,
        tokens: 0,
      });
      expect(await worker.optimStep({ modelId, seq: 1, adam: adam(0.1) })).toEqual({ gradNorm: 0 });
    },
  },
  {
    name: 'ten thousand conversations in one call, the last as if it were alone',
    async run({ worker, load }) {
      const modelId = await load();
      const contents = Array.from({ length: 10_000 }, (_, index) => `${index}+${index % 97}`);
      const sampling = { maxTokens: 4 };
      const batch = await worker.sample(sampleParams(modelId, { conversations: userTurns(...contents), sampling }));
      expect(batch.promptLengths).toHaveLength(10_000);
      expect(batch.texts).toHaveLength(10_000);
      expect(batch.tokens).toHaveLength(batch.lengths.reduce((total, length) => total + length, 0));
      const last = userTurns(contents.at(-1) as string);
      const params = { conversations: last, seeds: Uint32Array.of(10_000), sampling };
      const [alone] = sequencesOf(await worker.sample(sampleParams(modelId, params)));
      expect(sequencesOf(batch).at(-1)?.completion).toEqual(alone?.completion);
    },
  },
  {
    name: 'thousands of samples of one token, each a draw of its own',
    async run({ worker, load }) {
      const modelId = await load();
      const n = 5000;
      const sampling = { maxTokens: 1, temperature: 3 };
      const batch = await worker.sample(sampleParams(modelId, { conversations: userTurns('6*7'), n, sampling }));
      expect(Array.from(batch.lengths)).toEqual(Array(n).fill(1));
      const counts = new Map<number, number>();
      for (const token of batch.tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
      // The commonest token's share is its probability: six standard deviations of 5,000 draws.
      const [token, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
      const probability = Math.exp(batch.logprobs[batch.tokens.indexOf(token)] as number);
      expect(Math.abs(count / n - probability)).toBeLessThanOrEqual(6 * Math.sqrt(0.25 / n));
    },
  },
  {
    name: 'samples end where the context does, and are empty where the conversation fills it',
    async run(context) {
      const { worker } = context;
      const contextLength = await loadSized(context, 'filled');
      const promptLength = async (content: string) => {
        const params = { conversations: userTurns(content), sampling: { maxTokens: 1 } };
        return (await worker.sample(sampleParams('filled', params))).promptLengths[0] as number;
      };
      const ten = await promptLength('7'.repeat(10));
      const each = ((await promptLength('7'.repeat(20))) - ten) / 10;
      const fits = Math.floor((contextLength - ten) / each) + 10;
      const contents = [fits - 1, fits, fits + 1].map((count) => '7'.repeat(count));
      const n = 5;
      const sampling = { maxTokens: contextLength, temperature: 2 };
      const params = { conversations: userTurns(...contents), n, sampling };
      const batch = await worker.sample(sampleParams('filled', params));
      expect(batch.promptLengths[2]).toBeGreaterThan(contextLength);
      sequencesOf(batch).forEach(({ prompt, completion }, index) => {
        const room = Math.max(0, contextLength - prompt.length);
        expect(completion.length).toBeLessThanOrEqual(room);
        if (batch.stopReasons[index] === 'length') expect(completion).toHaveLength(room);
        if (room === 0) expect([batch.texts[index], batch.stopReasons[index]]).toEqual(['', 'length']);
      });
      await worker.unloadModel({ modelId: 'filled' });
    },
  },
  {
    name: 'a sequence may be as long as the context, and no longer',
    async run(context) {
      const { worker } = context;
      const modelId = 'long';
      const contextLength = await loadSized(context, modelId);
      const full = sequence(contextLength);
      const { logprobs } = await worker.forward({ modelId, ...full, temperature: 1 });
      expect(logprobs).toHaveLength(contextLength);
      expect(logprobs.every(Number.isFinite)).toBe(true);
      const step = (seq: number, { tokens, lengths }: typeof full) => {
        const mask = new Uint8Array(tokens.length).fill(1, 1);
        const batch = { tokens, lengths, mask, advantages: Float32Array.of(1) };
        return worker.forwardBackward({ modelId, seq, batch, loss: LOSS, normalizer: 1 });
      };
      expect((await step(0, full)).tokens).toBe(contextLength - 1);
      const longer = sequence(contextLength + 1);
      for (const call of [worker.forward({ modelId, ...longer, temperature: 1 }), step(1, longer)]) {
        const failure = await failureOf(call);
        expect(failure.code).toBe('invalid_request');
        expect(failure.message.includes('lengths')).toBe(true);
      }
      await worker.unloadModel({ modelId });
    },
  },
  {
    name: 'any Unicode text may be said: emoji, combining marks, NUL, astral letters, an empty content',
    async run({ worker, load }) {
      const modelId = await load();
      const contents = [
        '\u{1f469}\u200d\u{1f680}',
        'e\u0301\u0323',
        'a\u0000b',
        '\u{1d54f}\u{20000}',
        '\ufeff\ufffd',
        '',
      ];
      const conversations = contents.flatMap((content) => [
        ...userTurns(content),
        {
          messages: [
            { role: 'system' as const, content },
            { role: 'user' as const, content },
            { role: 'assistant' as const, content },
          ],
        },
      ]);
      const batch = await worker.sample(sampleParams(modelId, { conversations, n: 2 }));
      expect(batch.texts).toHaveLength(2 * conversations.length);
      expect(batch.texts.some((text) => /\p{Surrogate}/u.test(text))).toBe(false);
      const sequences = sequencesOf(batch);
      const drawn = sequences.map(({ logprobs }) => logprobs);
      expect(distance(await completionLogprobs(worker, modelId, sequences), drawn)).toBeLessThanOrEqual(1e-4);
    },
  },
  {
    name: 'two models at once, called by turns, are as each alone',
    async run(context) {
      const { worker, learningRate } = context;
      const one = await context.load();
      const first = sampleParams(one, { n: 3 });
      const alone = await worker.sample(first);
      const other = await context.load();
      const batch = trainBatch(sequencesOf(alone).slice(0, 3), [1, -1, 1]);
      await worker.forwardBackward({ modelId: other, seq: 0, batch, loss: LOSS, normalizer: 1 });
      await worker.optimStep({ modelId: other, seq: 1, adam: adam(learningRate) });
      await worker.publishWeights({ modelId: other, weightsVersion: 3 });
      const second = { ...first, modelId: other };
      const moved = await worker.sample(second);
      expect(Array.from(moved.logprobs).join() === Array.from(alone.logprobs).join()).toBe(false);
      const turns = [first, second, first, second];
      expect(await Promise.all(turns.map((params) => worker.sample(params)))).toEqual([alone, moved, alone, moved]);
    },
  },
];
