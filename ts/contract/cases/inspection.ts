import type { Conversation } from '../../protocol/generated.ts';
import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { sampleParams } from '../requests.ts';

const CONVERSATIONS: readonly Conversation[] = [
  { messages: [{ role: 'user', content: '6*7' }] },
  {
    messages: [
      { role: 'system', content: 'Answer.' },
      { role: 'user', content: '17+25' },
    ],
  },
  {
    messages: [
      { role: 'user', content: '6*7' },
      { role: 'assistant', content: '42' },
    ],
  },
];

export const INSPECTION: readonly Case[] = [
  {
    id: 'inspect-size',
    title: 'a model is described as it is when it is loaded',
    rule: 'inspect_model says of a source what load_model says of it.',
    where: 'proto/README.md, What a model is',
    needs: ['sample'],
    async run({ worker, source }) {
      const said = await worker.inspectModel({ source, conversations: [] });
      const modelId = 'inspected';
      const loaded = await worker.loadModel({ modelId, source, trainable: false, seed: 0 });
      for (const field of ['architecture', 'parameters', 'vocabularySize', 'contextLength'] as const) {
        expect.equal(`${field} of inspect_model`, said[field], loaded[field]);
      }
      expect.equal('obstacles of a model that was loaded', said.obstacles, []);
      await worker.unloadModel({ modelId });
    },
  },
  {
    id: 'inspect-prompts',
    title: 'the prompts of a report are those that are sampled from',
    rule: 'inspect_model renders each conversation as sample does.',
    where: 'proto/README.md, What a model is',
    needs: ['sample'],
    async run({ worker, source, load }) {
      const { prompts } = await worker.inspectModel({ source, conversations: CONVERSATIONS });
      const modelId = await load({ trainable: false });
      const seeds = Uint32Array.from(CONVERSATIONS, (_, index) => index);
      const batch = await worker.sample({ ...sampleParams(modelId), conversations: CONVERSATIONS, seeds });
      const tokens = prompts.map((prompt) => prompt.tokens);
      expect.equal('tokens of the prompts of inspect_model', tokens, [...batch.promptLengths]);
      prompts.forEach(({ text, refused }, index) => {
        expect.equal(`refused, of prompt ${index}`, refused, undefined);
        expect.differs(`text of prompt ${index}`, text, '');
      });
    },
  },
  {
    id: 'inspect-eos',
    title: 'the tokens that end a sample are those of the report',
    rule: 'A sample that stops without a stop string ends with one of the tokens that inspect_model names.',
    where: 'proto/README.md, What a model is',
    needs: ['sample'],
    async run({ worker, source, load }) {
      const { tokenizer } = await worker.inspectModel({ source, conversations: [] });
      const ends = (tokenizer?.eos ?? []).map(({ id }) => id);
      const modelId = await load({ trainable: false });
      const batch = await worker.sample({ ...sampleParams(modelId), n: 16 });
      let end = 0;
      batch.lengths.forEach((length, index) => {
        end += length;
        if (batch.stopReasons[index] !== 'stop') return;
        const last = batch.tokens[end - 1] as number;
        expect.equal(`whether ${last}, the last token of sample ${index}, is named`, ends.includes(last), true);
      });
    },
  },
  {
    id: 'inspect-unloadable',
    title: 'a source that is no model cannot be described',
    rule: 'inspect_model of what is no model fails with model_unloadable, and names the source.',
    where: 'proto/protocol.yml, verbs.inspect_model',
    needs: ['sample'],
    async run({ worker, folder }) {
      const call = worker.inspectModel({ source: folder, conversations: [] });
      await expect.fails('inspect_model of a folder that is not there', call, 'model_unloadable', folder);
    },
  },
];
