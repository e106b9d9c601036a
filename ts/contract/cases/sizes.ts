import type { Message } from '../../protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { adam, LOSS, sampleParams, sequencesOf, userTurns } from '../requests.ts';
import { packMap } from '../unchecked.ts';

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
    id: 'no-conversations',
    title: 'no conversations give no samples, whatever n is',
    rule: 'A request for nothing is answered with an empty batch.',
    where: 'proto/protocol.yml, verbs.sample',
    needs: ['sample'],
    async run({ worker, load }) {
      const batch = await worker.sample(sampleParams(await load(), { conversations: [], n: 2 ** 24 }));
      for (const field of ['promptTokens', 'promptLengths', 'tokens', 'lengths', 'logprobs'] as const) {
        expect.equal(`entries of ${field}`, batch[field].length, 0);
      }
      expect.equal('texts', batch.texts, []);
      expect.equal('stopReasons', batch.stopReasons, []);
    },
  },
  {
    id: 'no-sequences',
    title: 'no sequences are scored and trained on without effect',
    rule: 'A request for nothing is answered: no log-probs, means of 0, a ratio of 1, and no gradient.',
    where: 'proto/protocol.yml, verbs.forward_backward',
    needs: ['train'],
    async run({ worker, load }) {
      const modelId = await load();
      const scored = await worker.forward({ modelId, ...NOTHING, temperature: 1 });
      expect.equal('log-probs', scored.logprobs.length, 0);
      const batch = { ...NOTHING, mask: new Uint8Array(), advantages: new Float32Array() };
      const result = await worker.forwardBackward({ modelId, seq: 0, batch, loss: LOSS, normalizer: 1 });
      const nothing = {
        loss: 0,
        kl: 0,
        entropy: 0,
        clipFraction: 0,
        ratioMean: 1,
        importanceMean: 1,
        importanceCapped: 0,
        samplerKl: 0,
        tokens: 0,
      };
      expect.equal('forward_backward over nothing', result, nothing);
      const step = await worker.optimStep({ modelId, seq: 1, adam: adam(0.1) });
      expect.equal('optim_step after it', step, { gradNorm: 0 });
    },
  },
  {
    id: 'many-conversations',
    title: 'ten thousand conversations in one call, the last as if it were alone',
    rule: 'A sample depends on its own conversation and seed, however many there are in the request.',
    where: 'proto/README.md, Repeats',
    needs: ['sample'],
    async run({ worker, load, tolerance }) {
      const modelId = await load();
      const contents = Array.from({ length: 10_000 }, (_, index) => `${index}+${index % 97}`);
      const sampling = { maxTokens: 4 };
      const batch = await worker.sample(sampleParams(modelId, { conversations: userTurns(...contents), sampling }));
      for (const field of ['promptLengths', 'lengths', 'texts', 'stopReasons'] as const) {
        expect.equal(`entries of ${field}`, batch[field].length, 10_000);
      }
      const tokens = batch.lengths.reduce((total, length) => total + length, 0);
      expect.equal('entries of tokens', batch.tokens.length, tokens);
      const last = userTurns(contents.at(-1) as string);
      const params = { conversations: last, seeds: Uint32Array.of(10_000), sampling };
      const alone = sequencesOf(await worker.sample(sampleParams(modelId, params))).at(-1);
      const among = sequencesOf(batch).at(-1);
      expect.equal('tokens of the last sample', among?.completion, alone?.completion);
      expect.alike('its log-probs', [among?.logprobs ?? []], [alone?.logprobs ?? []], tolerance);
    },
  },
  {
    id: 'many-samples',
    title: 'thousands of samples of one token, each a draw of its own',
    rule: 'The n samples of a conversation are draws from one distribution, of which the log-probs are true.',
    where: 'proto/protocol.yml, structs.Sampling',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      const n = 5000;
      const sampling = { maxTokens: 1, temperature: 3 };
      const batch = await worker.sample(sampleParams(modelId, { conversations: userTurns('6*7'), n, sampling }));
      expect.equal('lengths of the samples', Array.from(batch.lengths), Array(n).fill(1));
      const counts = new Map<number, number>();
      for (const token of batch.tokens) counts.set(token, (counts.get(token) ?? 0) + 1);
      const [token, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a));
      const probability = Math.exp(batch.logprobs[batch.tokens.indexOf(token)] as number);
      // Six standard deviations of 5,000 draws.
      expect.near(`share of the commonest token, ${token}`, count / n, probability, 6 * Math.sqrt(0.25 / n));
    },
  },
  {
    id: 'context-filled',
    title: 'samples end where the context does, and are empty where the conversation fills it',
    rule: 'Prompt and completion together are no longer than the context; a sample without room is empty and no error.',
    where: 'proto/README.md, Repeats',
    needs: ['sample'],
    async run(context) {
      const { worker } = context;
      const modelId = 'filled';
      const contextLength = await loadSized(context, modelId);
      const promptLength = async (content: string) => {
        const params = { conversations: userTurns(content), sampling: { maxTokens: 1 } };
        return (await worker.sample(sampleParams(modelId, params))).promptLengths[0] as number;
      };
      const ten = await promptLength('7'.repeat(10));
      const each = ((await promptLength('7'.repeat(20))) - ten) / 10;
      const fits = Math.floor((contextLength - ten) / each) + 10;
      const contents = [fits - 1, fits, fits + 1].map((count) => '7'.repeat(count));
      const sampling = { maxTokens: contextLength, temperature: 2 };
      const params = { conversations: userTurns(...contents), n: 5, sampling };
      const batch = await worker.sample(sampleParams(modelId, params));
      expect.above('tokens of the longest prompt', batch.promptLengths[2] as number, contextLength);
      sequencesOf(batch).forEach(({ prompt, completion }, index) => {
        const room = Math.max(0, contextLength - prompt.length);
        const subject = `sample ${index}, which has room for ${room} tokens`;
        expect.atMost(`tokens of ${subject}`, completion.length, room);
        if (batch.stopReasons[index] === 'length') expect.equal(`tokens of ${subject}`, completion.length, room);
        if (room > 0) return;
        expect.equal(`text of ${subject}`, batch.texts[index], '');
        expect.equal(`stop reason of ${subject}`, batch.stopReasons[index], 'length');
      });
      await worker.unloadModel({ modelId });
    },
  },
  {
    id: 'sequence-fills-context',
    title: 'a sequence may be as long as the context, and no longer',
    rule: 'A sequence of contextLength tokens is scored and trained on; one more is invalid_request that names lengths.',
    where: 'proto/protocol.yml, verbs.load_model',
    needs: ['train'],
    async run(context) {
      const { worker } = context;
      const modelId = 'long';
      const contextLength = await loadSized(context, modelId);
      const full = sequence(contextLength);
      const { logprobs } = await worker.forward({ modelId, ...full, temperature: 1 });
      expect.equal('log-probs of a sequence that fills the context', logprobs.length, contextLength);
      expect.equal('those of them that are no number', Array.from(logprobs).filter(Number.isNaN), []);
      const step = (seq: number, { tokens, lengths }: typeof full) => {
        const mask = new Uint8Array(tokens.length).fill(1, 1);
        const batch = { tokens, lengths, mask, advantages: Float32Array.of(1) };
        return worker.forwardBackward({ modelId, seq, batch, loss: LOSS, normalizer: 1 });
      };
      expect.equal('tokens trained of it', (await step(0, full)).tokens, contextLength - 1);
      const longer = sequence(contextLength + 1);
      const scored = worker.forward({ modelId, ...longer, temperature: 1 });
      await expect.fails('forward over one token more', scored, 'invalid_request', 'lengths');
      await expect.fails('forward_backward over one token more', step(1, longer), 'invalid_request', 'lengths');
      await worker.unloadModel({ modelId });
    },
  },
  {
    id: 'largest-fields',
    title: 'fields at the end of their range are taken, one beyond is invalid_request',
    rule: 'The bounds of a range are part of it; a value beyond them is refused with invalid_request that names the field.',
    where: 'proto/README.md, Ranges and limits',
    needs: ['sample'],
    async run({ worker, requester, source }) {
      const modelId = '\u{1f600}'.repeat(64);
      await worker.loadModel({ modelId, source, trainable: false, seed: Number.MAX_SAFE_INTEGER });
      const turns = (count: number) => ({ messages: Array<Message>(count).fill({ role: 'user', content: 'x' }) });
      const stop = (count: number) => Array.from({ length: count }, (_, at) => `${at % 10}`.repeat(256));
      const sampling = { temperature: 1e6, topK: Number.MAX_SAFE_INTEGER, maxTokens: 2 ** 31 - 1, stop: stop(16) };
      const seeds = Uint32Array.of(2 ** 32 - 1);
      const params = sampleParams(modelId, { conversations: [turns(4096)], seeds, sampling });
      expect.equal('texts', (await worker.sample(params)).texts.length, 1);
      for (const [field, changes] of [
        ['modelId', { modelId: `${modelId}x` }],
        ['messages', { conversations: [turns(4097)] }],
        ['maxTokens', { sampling: { ...params.sampling, maxTokens: 2 ** 31 } }],
        ['stop', { sampling: { ...params.sampling, stop: stop(17) } }],
      ] as const) {
        const call = requester.request('sample', packMap({ ...params, ...changes }));
        await expect.fails(`sample with more than ${field} may be`, call, 'invalid_request', field);
      }
      await worker.unloadModel({ modelId });
    },
  },
];
