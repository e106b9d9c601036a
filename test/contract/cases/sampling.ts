import { expect } from '@jest/globals';
import type { SampleBatch } from '../../../ts/protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import { completionLogprobs, distance, PROMPTS, SAMPLING, sampleParams, sequencesOf, userTurns } from '../requests.ts';

/** Tokens, texts and stop reasons are equal; log-probs may differ as batches may. */
function expectSameSamples(context: Context, a: SampleBatch, b: SampleBatch): void {
  const { logprobs: left, ...restA } = a;
  const { logprobs: right, ...restB } = b;
  expect(restA).toEqual(restB);
  expect(distance([Array.from(left)], [Array.from(right)])).toBeLessThanOrEqual(context.tolerance);
}

export const SAMPLING_CASES: readonly Case[] = [
  {
    name: 'n samples a conversation, with counts that agree and stop reasons that are true',
    async run({ worker, load }) {
      const modelId = await load();
      const n = 40;
      const batch = await worker.sample(sampleParams(modelId, { n }));
      const sequences = sequencesOf(batch);
      expect(batch.promptLengths).toHaveLength(PROMPTS.length);
      expect(batch.promptTokens).toHaveLength(batch.promptLengths.reduce((a, b) => a + b, 0));
      for (const perSample of [batch.lengths, batch.texts, batch.stopReasons]) {
        expect(perSample).toHaveLength(PROMPTS.length * n);
      }
      expect(batch.tokens).toHaveLength(batch.lengths.reduce((a, b) => a + b, 0));
      expect(batch.logprobs).toHaveLength(batch.tokens.length);
      expect(Math.max(...batch.logprobs)).toBeLessThanOrEqual(0);
      expect(Math.min(...batch.logprobs)).toBeGreaterThan(Number.NEGATIVE_INFINITY);

      const ended = { stop: new Set<number>(), length: new Set<number>() };
      sequences.forEach(({ completion }, index) => {
        const reason = batch.stopReasons[index] as 'stop' | 'length';
        ended[reason].add(completion.at(-1) as number);
        expect(completion.length).toBeGreaterThan(0);
        expect(completion.length).toBeLessThanOrEqual(SAMPLING.maxTokens);
        if (reason === 'length') expect(completion).toHaveLength(SAMPLING.maxTokens);
      });
      // The tokens that stop are never where something was cut off, nor in the middle.
      const before = new Set(sequences.flatMap(({ completion }) => completion.slice(0, -1)));
      for (const token of ended.stop) expect(ended.length.has(token) || before.has(token)).toBe(false);
    },
  },
  {
    name: 'maxTokens is kept',
    async run({ worker, load }) {
      const modelId = await load();
      for (const maxTokens of [1, 3]) {
        const batch = await worker.sample(sampleParams(modelId, { n: 5, sampling: { maxTokens } }));
        expect(Math.max(...batch.lengths)).toBeLessThanOrEqual(maxTokens);
        batch.stopReasons.forEach((reason, index) => {
          if (reason === 'length') expect(batch.lengths[index]).toBe(maxTokens);
        });
      }
    },
  },
  {
    name: 'a prompt that fills the context gets empty samples, its neighbours get theirs',
    async run({ worker, load }) {
      const modelId = await load();
      // Longer than any context of these workers, in characters and so in tokens of at least one character.
      const batch = await worker.sample(
        sampleParams(modelId, { conversations: userTurns('1+1'.repeat(9000), '17+25'), n: 2 }),
      );
      expect(Array.from(batch.lengths.slice(0, 2))).toEqual([0, 0]);
      expect(batch.texts.slice(0, 2)).toEqual(['', '']);
      expect(batch.stopReasons.slice(0, 2)).toEqual(['length', 'length']);
      expect(Math.min(...batch.lengths.slice(2))).toBeGreaterThan(0);
    },
  },
  {
    name: 'no conversations give no samples',
    async run({ worker, load }) {
      const batch = await worker.sample(sampleParams(await load(), { conversations: [] }));
      expect(batch.texts).toEqual([]);
      expect(batch.tokens).toHaveLength(0);
    },
  },
  {
    name: 'the same request gives the same samples, another seed gives others',
    async run({ worker, load }) {
      const modelId = await load();
      const first = await worker.sample(sampleParams(modelId, { n: 4 }));
      expect(await worker.sample(sampleParams(modelId, { n: 4 }))).toEqual(first);
      const other = await worker.sample(sampleParams(modelId, { n: 4, seeds: Uint32Array.of(4, 5, 2 ** 32 - 1) }));
      expect(Array.from(other.tokens)).not.toEqual(Array.from(first.tokens));
      // Samples of one conversation differ too: the temperature is 1.
      expect(new Set(sequencesOf(first).map(({ completion }) => completion.join())).size).toBeGreaterThan(3);
    },
  },
  {
    name: 'splitting conversations over requests gives the same samples',
    async run(context) {
      const modelId = await context.load();
      const whole = sequencesOf(await context.worker.sample(sampleParams(modelId, { n: 2 })));
      const parts = [];
      for (const index of [2, 0, 1]) {
        const batch = await context.worker.sample(
          sampleParams(modelId, {
            n: 2,
            conversations: userTurns(PROMPTS[index] as string),
            seeds: Uint32Array.of(index + 1),
          }),
        );
        parts[index] = sequencesOf(batch);
      }
      expect(parts.flat().map(({ completion }) => completion)).toEqual(whole.map(({ completion }) => completion));
      const logprobs = (sequences: { logprobs: number[] }[]) => sequences.map((sequence) => sequence.logprobs);
      expect(distance(logprobs(parts.flat()), logprobs(whole))).toBeLessThanOrEqual(context.tolerance);
    },
  },
  {
    name: 'sample j is the same whatever n is',
    async run({ worker, load }) {
      const modelId = await load();
      const few = sequencesOf(await worker.sample(sampleParams(modelId, { n: 2 })));
      const many = sequencesOf(await worker.sample(sampleParams(modelId, { n: 5 })));
      const firstTwo = many.filter((_, index) => index % 5 < 2);
      expect(firstTwo.map(({ completion }) => completion)).toEqual(few.map(({ completion }) => completion));
    },
  },
  {
    name: 'greedy is the same whatever the seed, and topK 1 is greedy',
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const greedy = await worker.sample(sampleParams(modelId, { n: 2, sampling: { temperature: 0 } }));
      const seeds = Uint32Array.of(7, 8, 9);
      expectSameSamples(
        context,
        await worker.sample(sampleParams(modelId, { n: 2, seeds, sampling: { temperature: 0 } })),
        greedy,
      );
      expectSameSamples(
        context,
        await worker.sample(sampleParams(modelId, { n: 2, seeds, sampling: { topK: 1 } })),
        greedy,
      );
      // A point mass: what was drawn had probability 1.
      expect(Math.min(...greedy.logprobs)).toBe(0);
    },
  },
  {
    name: 'forward gives the log-probs that sampling reported',
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      for (const temperature of [1, 0.7, 1.5]) {
        const sequences = sequencesOf(await worker.sample(sampleParams(modelId, { n: 4, sampling: { temperature } })));
        const scored = await completionLogprobs(worker, modelId, sequences, temperature);
        const drawn = sequences.map(({ logprobs }) => logprobs);
        expect(distance(scored, drawn)).toBeLessThanOrEqual(tolerance);
      }
    },
  },
  {
    name: 'forward gives 0 for the first token of each sequence, and each sequence its own',
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      const one = Int32Array.of(3, 5, 2);
      const other = Int32Array.of(6, 4);
      const forward = async (tokens: Int32Array, lengths: number[]) =>
        Array.from(
          (await worker.forward({ modelId, tokens, lengths: Int32Array.from(lengths), temperature: 1 })).logprobs,
        );
      const both = await forward(Int32Array.of(...one, ...other), [3, 2]);
      expect([both[0], both[3]]).toEqual([0, 0]);
      expect(distance([both], [[...(await forward(one, [3])), ...(await forward(other, [2]))]])).toBeLessThanOrEqual(
        tolerance,
      );
    },
  },
  {
    name: 'topK and topP leave the likeliest tokens, renormalised',
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      const first = async (sampling: object) => {
        // Hot, so that a model that is sure of its first token shows others too.
        const hot = { temperature: 3, maxTokens: 1, ...sampling };
        const params = { conversations: userTurns('6*7'), n: 300, sampling: hot };
        const batch = await worker.sample(sampleParams(modelId, params));
        return new Map(Array.from(batch.tokens, (token, index) => [token, batch.logprobs[index] as number]));
      };
      const all = await first({});
      const two = await first({ topK: 2 });
      expect(all.size).toBeGreaterThan(2);
      expect(two.size).toBe(2);
      const mass = [...two.values()].reduce((total, logprob) => total + Math.exp(logprob), 0);
      expect(Math.abs(mass - 1)).toBeLessThanOrEqual(tolerance);
      // A share that the likeliest token reaches alone.
      const [likeliest, logprob] = [...all].reduce((a, b) => (b[1] > a[1] ? b : a));
      expect([...(await first({ topP: Math.exp(logprob) * 0.9 }))]).toEqual([[likeliest, 0]]);
    },
  },
  {
    name: 'a last turn by the assistant is continued',
    async run({ worker, load }) {
      const modelId = await load();
      const user = { role: 'user', content: '6*7' } as const;
      const begun = { role: 'assistant', content: '4' } as const;
      const batch = await worker.sample(
        sampleParams(modelId, {
          conversations: [{ messages: [user] }, { messages: [user, begun] }, { messages: [user, begun, user] }],
        }),
      );
      const [open, prefixed, closed] = sequencesOf(batch).map(({ prompt }) => prompt) as [number[], number[], number[]];
      expect(prefixed.length).toBeGreaterThan(open.length);
      expect(prefixed.slice(0, open.length)).toEqual(open);
      // A turn that another one follows is closed, by a token at least.
      expect(closed.slice(0, prefixed.length)).toEqual(prefixed);
      expect(closed.length).toBeGreaterThan(prefixed.length + open.length - 1);
    },
  },
  {
    name: 'texts decode the tokens without the stop token',
    async run({ worker, load }) {
      const modelId = await load();
      const batch = await worker.sample(sampleParams(modelId, { n: 30 }));
      const byTokens = new Map<string, string>();
      sequencesOf(batch).forEach(({ completion }, index) => {
        const stopped = batch.stopReasons[index] === 'stop';
        const key = (stopped ? completion.slice(0, -1) : completion).join();
        const text = batch.texts[index] as string;
        // The same tokens give the same text, whether a stop token followed or not.
        expect(byTokens.get(key) ?? text).toBe(text);
        byTokens.set(key, text);
        if (key === '') expect(text).toBe('');
      });
      expect(new Set(byTokens.values()).size).toBeGreaterThan(1);
    },
  },
];
