import type { SampleBatch } from '../../protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { completionLogprobs, sampleParams, sequencesOf, userTurns } from '../requests.ts';

/** Tokens, texts and stop reasons are equal; log-probs may differ as batches may. */
function expectSameSamples(subject: string, context: Context, a: SampleBatch, b: SampleBatch): void {
  const { logprobs: left, ...restA } = a;
  const { logprobs: right, ...restB } = b;
  expect.equal(subject, restA, restB);
  expect.alike(`${subject}, log-probs`, [Array.from(left)], [Array.from(right)], context.tolerance);
}

export const DISTRIBUTION: readonly Case[] = [
  {
    id: 'greedy',
    title: 'greedy is the same whatever the seed, and topK 1 is greedy',
    rule: 'Temperature 0 takes the likeliest token, as topK 1 does; what was drawn so has log-prob 0.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: ['sample'],
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const greedy = await worker.sample(sampleParams(modelId, { n: 2, sampling: { temperature: 0 } }));
      const seeds = Uint32Array.of(7, 8, 9);
      const seeded = await worker.sample(sampleParams(modelId, { n: 2, seeds, sampling: { temperature: 0 } }));
      expectSameSamples('greedy under other seeds', context, seeded, greedy);
      const likeliest = await worker.sample(sampleParams(modelId, { n: 2, seeds, sampling: { topK: 1 } }));
      expectSameSamples('topK 1', context, likeliest, greedy);
      // A point mass: what was drawn had probability 1.
      expect.equal('the smallest greedy log-prob', Math.min(...greedy.logprobs), 0);
    },
  },
  {
    id: 'extreme-temperatures',
    title: 'the smallest temperature is greedy, the largest draws from everything, and no log-prob overflows',
    rule: 'Logits are divided by the temperature, which is any number above 0; log-probs are finite all the same.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const sample = (temperature: number) => worker.sample(sampleParams(modelId, { n: 4, sampling: { temperature } }));
      const [greedy, coldest, hottest] = [await sample(0), await sample(1e-300), await sample(1e300)];
      expect.equal('texts at temperature 1e-300', coldest.texts, greedy.texts);
      expect.equal('the smallest log-prob at 1e-300', Math.min(...coldest.logprobs), 0);
      expect.above('distinct first texts at 1e300', new Set(hottest.texts).size, 6);
      expect.below('the largest log-prob at 1e300', Math.max(...hottest.logprobs), 0);
      expect.above('the smallest log-prob at 1e300', Math.min(...hottest.logprobs), Number.NEGATIVE_INFINITY);
    },
  },
  {
    id: 'forward-scores-samples',
    title: 'forward gives the log-probs that sampling reported',
    rule: 'The log-probs of a sample are those of the distribution drawn from, which forward computes from the tokens.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: ['sample', 'train'],
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      for (const temperature of [1, 0.7, 1.5]) {
        const sequences = sequencesOf(await worker.sample(sampleParams(modelId, { n: 4, sampling: { temperature } })));
        const scored = await completionLogprobs(worker, modelId, sequences, temperature);
        const subject = `log-probs that sample reported at temperature ${temperature}, against those of forward`;
        expect.alike(
          subject,
          sequences.map(({ logprobs }) => logprobs),
          scored,
          tolerance,
        );
      }
    },
  },
  {
    id: 'forward-by-sequence',
    title: 'forward gives 0 for the first token of each sequence, and each sequence its own',
    rule: 'forward treats each sequence by itself; the first token has nothing before it and gets 0.',
    where: 'proto/protocol.yml, verbs.forward',
    needs: ['train'],
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      const [one, other] = [
        [3, 5, 2],
        [6, 4],
      ];
      const forward = async (...sequences: (number[] | undefined)[]) => {
        const tokens = Int32Array.from(sequences.flatMap((tokens) => tokens ?? []));
        const lengths = Int32Array.from(sequences, (tokens) => tokens?.length ?? 0);
        return Array.from((await worker.forward({ modelId, tokens, lengths, temperature: 1 })).logprobs);
      };
      const both = await forward(one, other);
      expect.equal('log-probs of the first tokens', [both[0], both[3]], [0, 0]);
      const apart = [...(await forward(one)), ...(await forward(other))];
      expect.alike('two sequences in one request, against one at a time', [both], [apart], tolerance);
    },
  },
  {
    id: 'forward-mask',
    title: 'forward gives what its mask asks for, and 0 elsewhere',
    rule: 'With a mask, forward gives the same log-probs where it is 1, and 0 where it is 0.',
    where: 'proto/protocol.yml, verbs.forward',
    needs: ['train'],
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      // Two that begin alike, one that is asked for nothing, and one whose mask has a hole.
      const tokens = Int32Array.from([3, 5, 2, 6, 3, 5, 4, 4, 6, 4, 3, 5, 2, 6, 5]);
      const lengths = Int32Array.from([4, 4, 2, 5]);
      const mask = Uint8Array.from([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1]);
      const request = { modelId, tokens, lengths, temperature: 1 };
      const all = (await worker.forward(request)).logprobs.map((logprob, at) => logprob * (mask[at] as number));
      const { logprobs } = await worker.forward({ ...request, mask });
      expect.alike('log-probs with a mask', [Array.from(logprobs)], [Array.from(all)], tolerance);
      const zeros = Array.from(logprobs).filter((_, at) => mask[at] === 0);
      expect.equal(
        'log-probs where the mask is 0',
        zeros,
        zeros.map(() => 0),
      );
      const first = worker.forward({ ...request, mask: mask.map((bit, at) => (at === 0 ? 1 : bit)) });
      await expect.fails("a mask that asks for a sequence's first token", first, 'invalid_request');
    },
  },
  {
    id: 'top-k-top-p',
    title: 'topK and topP leave the likeliest tokens, renormalised',
    rule: 'Log-probs are those of the processed distribution: what topK and topP leave sums to 1.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: ['sample'],
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
      expect.above('distinct first tokens of 300 samples', all.size, 2);
      expect.equal('distinct first tokens under topK 2', two.size, 2);
      const mass = [...two.values()].reduce((total, logprob) => total + Math.exp(logprob), 0);
      expect.near('the probability that topK 2 left', mass, 1, tolerance);
      // A share that the likeliest token reaches alone.
      const [likeliest, logprob] = [...all].reduce((a, b) => (b[1] > a[1] ? b : a));
      const nucleus = [...(await first({ topP: Math.exp(logprob) * 0.9 }))];
      expect.equal('tokens and log-probs under a topP that one token fills', nucleus, [[likeliest, 0]]);
    },
  },
];
