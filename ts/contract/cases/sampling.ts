import type { Conversation } from '../../protocol/generated.ts';
import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { completionLogprobs, PROMPTS, SAMPLING, sampleParams, sequencesOf, userTurns } from '../requests.ts';

const completionsOf = (sequences: { completion: number[] }[]) => sequences.map(({ completion }) => completion);
const logprobsOf = (sequences: { logprobs: number[] }[]) => sequences.map(({ logprobs }) => logprobs);

export const SAMPLING_CASES: readonly Case[] = [
  {
    id: 'sample-counts',
    title: 'n samples a conversation, with counts that agree and stop reasons that are true',
    rule: 'A batch has n samples for each conversation; its arrays agree in length, and stopReasons say why each one ended.',
    where: 'proto/protocol.yml, structs.SampleBatch',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const n = 40;
      const batch = await worker.sample(sampleParams(modelId, { n }));
      const total = (lengths: Int32Array) => lengths.reduce((a, b) => a + b, 0);
      expect.equal('entries of promptLengths', batch.promptLengths.length, PROMPTS.length);
      expect.equal('promptTokens', batch.promptTokens.length, total(batch.promptLengths));
      for (const field of ['lengths', 'texts', 'stopReasons'] as const) {
        expect.equal(`entries of ${field}`, batch[field].length, PROMPTS.length * n);
      }
      expect.equal('tokens', batch.tokens.length, total(batch.lengths));
      expect.equal('logprobs', batch.logprobs.length, batch.tokens.length);
      expect.atMost('the largest log-prob', Math.max(...batch.logprobs), 0);
      expect.above('the smallest log-prob', Math.min(...batch.logprobs), Number.NEGATIVE_INFINITY);

      const sequences = sequencesOf(batch);
      const ended = { stop: new Set<number>(), length: new Set<number>() };
      sequences.forEach(({ completion }, index) => {
        const reason = batch.stopReasons[index] as 'stop' | 'length';
        ended[reason].add(completion.at(-1) as number);
        expect.above(`tokens of sample ${index}`, completion.length, 0);
        expect.atMost(`tokens of sample ${index}`, completion.length, SAMPLING.maxTokens);
        if (reason === 'length') {
          expect.equal(`tokens of sample ${index}, which ended by length`, completion.length, SAMPLING.maxTokens);
        }
      });
      // The tokens that stop are never where something was cut off, nor in the middle.
      const before = new Set(sequences.flatMap(({ completion }) => completion.slice(0, -1)));
      for (const token of ended.stop) {
        const elsewhere = ended.length.has(token) || before.has(token);
        expect.that(`token ${token}, which stopped a sample`, !elsewhere, 'at the end of samples alone', 'elsewhere');
      }
    },
  },
  {
    id: 'max-tokens',
    title: 'maxTokens is kept',
    rule: 'A sample has at most maxTokens tokens, and exactly that many when it ended by length.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      for (const maxTokens of [1, 3]) {
        const batch = await worker.sample(sampleParams(modelId, { n: 5, sampling: { maxTokens } }));
        expect.atMost(`the longest sample at maxTokens ${maxTokens}`, Math.max(...batch.lengths), maxTokens);
        batch.stopReasons.forEach((reason, index) => {
          if (reason !== 'length') return;
          expect.equal(`tokens of sample ${index}, which ended by length`, batch.lengths[index], maxTokens);
        });
      }
    },
  },
  {
    id: 'full-context',
    title: 'a prompt that fills the context gets empty samples, its neighbours get theirs',
    rule: "A prompt that fills the model's context is no error: it gets empty samples with stop reason length.",
    where: 'proto/README.md, Repeats',
    needs: ['sample'],
    async run({ worker, load, source }) {
      const modelId = await load();
      const { contextLength } = await worker.loadModel({ modelId, source, trainable: false, seed: 7 });
      // Longer than the context as long as a token has at most six of these characters on average.
      const conversations = userTurns('1+1'.repeat(2 * contextLength), '17+25');
      const batch = await worker.sample(sampleParams(modelId, { conversations, n: 2 }));
      expect.equal('lengths of the samples of the full prompt', Array.from(batch.lengths.slice(0, 2)), [0, 0]);
      expect.equal('their texts', batch.texts.slice(0, 2), ['', '']);
      expect.equal('their stopReasons', batch.stopReasons.slice(0, 2), ['length', 'length']);
      expect.above("the neighbour's shortest sample", Math.min(...batch.lengths.slice(2)), 0);
    },
  },
  {
    id: 'same-seed',
    title: 'the same request gives the same samples, another seed gives others',
    rule: 'sample depends on its params and the published weights alone, and its seeds make a difference.',
    where: 'proto/README.md, Repeats',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const first = await worker.sample(sampleParams(modelId, { n: 4 }));
      expect.equal('the same request again', await worker.sample(sampleParams(modelId, { n: 4 })), first);
      const other = await worker.sample(sampleParams(modelId, { n: 4, seeds: Uint32Array.of(4, 5, 2 ** 32 - 1) }));
      expect.differs('tokens under other seeds', Array.from(other.tokens), Array.from(first.tokens));
      // Samples of one conversation differ too: the temperature is 1.
      const distinct = new Set(sequencesOf(first).map(({ completion }) => completion.join()));
      expect.above('distinct samples of 12', distinct.size, 3);
    },
  },
  {
    id: 'split-conversations',
    title: 'splitting conversations over requests gives the same samples',
    rule: 'A sample depends on its own conversation and seed, not on its neighbours in the request.',
    where: 'proto/README.md, Repeats',
    needs: ['sample'],
    async run(context) {
      const modelId = await context.load();
      const whole = sequencesOf(await context.worker.sample(sampleParams(modelId, { n: 2 })));
      const parts = [];
      for (const index of [2, 0, 1]) {
        const conversations = userTurns(PROMPTS[index] as string);
        const seeds = Uint32Array.of(index + 1);
        const batch = await context.worker.sample(sampleParams(modelId, { n: 2, conversations, seeds }));
        parts[index] = sequencesOf(batch);
      }
      const alone = parts.flat();
      expect.equal('tokens sampled one conversation at a time', completionsOf(alone), completionsOf(whole));
      expect.alike('their log-probs', logprobsOf(alone), logprobsOf(whole), context.tolerance);
    },
  },
  {
    id: 'sample-by-index',
    title: 'sample j is the same whatever n is',
    rule: 'Sample j of conversation i depends on (seeds[i], j), not on how many samples there are.',
    where: 'proto/README.md, Repeats',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const few = sequencesOf(await worker.sample(sampleParams(modelId, { n: 2 })));
      const many = sequencesOf(await worker.sample(sampleParams(modelId, { n: 5 })));
      const firstTwo = many.filter((_, index) => index % 5 < 2);
      expect.equal('the first two samples of five', completionsOf(firstTwo), completionsOf(few));
    },
  },
  {
    id: 'assistant-prefix',
    title: 'a last turn by the assistant is continued',
    rule: 'A last turn by the assistant is a prefix that the model continues, not a turn that is over.',
    where: 'proto/protocol.yml, structs.Conversation',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const user = { role: 'user', content: '6*7' } as const;
      const begun = { role: 'assistant', content: '4' } as const;
      const conversations = [{ messages: [user] }, { messages: [user, begun] }, { messages: [user, begun, user] }];
      const batch = await worker.sample(sampleParams(modelId, { conversations }));
      const [open, prefixed, closed] = sequencesOf(batch).map(({ prompt }) => prompt) as [number[], number[], number[]];
      expect.above('tokens of the prompt with a prefix', prefixed.length, open.length);
      expect.equal('the prompt with a prefix, without it', prefixed.slice(0, open.length), open);
      // A turn that another one follows is closed, by a token at least.
      expect.equal('the prompt in which a turn follows', closed.slice(0, prefixed.length), prefixed);
      expect.above('tokens of the prompt in which a turn follows', closed.length, prefixed.length + open.length - 1);
    },
  },
  {
    id: 'texts',
    title: 'texts decode the tokens without the stop token',
    rule: 'texts hold the tokens decoded, without the stop token.',
    where: 'proto/protocol.yml, structs.SampleBatch',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const batch = await worker.sample(sampleParams(modelId, { n: 30 }));
      const byTokens = new Map<string, string>();
      sequencesOf(batch).forEach(({ completion }, index) => {
        const stopped = batch.stopReasons[index] === 'stop';
        const key = (stopped ? completion.slice(0, -1) : completion).join();
        const text = batch.texts[index] as string;
        // The same tokens give the same text, whether a stop token followed or not.
        expect.equal(`the text of sample ${index}`, text, key === '' ? '' : (byTokens.get(key) ?? text));
        byTokens.set(key, text);
      });
      expect.above('distinct texts', new Set(byTokens.values()).size, 1);
    },
  },
  {
    id: 'unicode',
    title: 'any Unicode text may be said: emoji, combining marks, NUL, astral letters, an empty content',
    rule: 'Contents are any UTF-8; texts are whole characters, and their tokens are scored like others.',
    where: 'proto/README.md, Encoding',
    needs: ['sample', 'train'],
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      const contents = [
        '\u{1f469}\u200d\u{1f680}',
        'e\u0301\u0323',
        'a\u0000b',
        '\u{1d54f}\u{20000}',
        '\ufeff\ufffd',
        '',
      ];
      const conversations: Conversation[] = contents.flatMap((content) => [
        ...userTurns(content),
        { messages: (['system', 'user', 'assistant'] as const).map((role) => ({ role, content })) },
      ]);
      const batch = await worker.sample(sampleParams(modelId, { conversations, n: 2 }));
      expect.equal('entries of texts', batch.texts.length, 2 * conversations.length);
      const broken = batch.texts.filter((text) => /\p{Surrogate}/u.test(text));
      expect.equal('texts with half a character', broken, []);
      const sequences = sequencesOf(batch);
      const scored = await completionLogprobs(worker, modelId, sequences);
      expect.alike(
        'log-probs that sample reported, against those of forward',
        logprobsOf(sequences),
        scored,
        tolerance,
      );
    },
  },
];
