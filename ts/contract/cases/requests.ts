import type { Verb, VerbTypes } from '../../protocol/generated.ts';
import { VERBS } from '../../protocol/generated.ts';
import { packParams } from '../../worker/codec.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { adam, LOSS, sampleParams } from '../requests.ts';
import { packMap } from '../unchecked.ts';

const EMPTY = { tokens: new Int32Array(), lengths: new Int32Array() };
const NO_BATCH = { ...EMPTY, mask: new Uint8Array(), advantages: new Float32Array() };

async function send<V extends Verb>(
  { requester }: Context,
  verb: V,
  params: VerbTypes[V]['params'],
): Promise<Uint8Array> {
  return requester.request(verb, packMap(params));
}

export const REQUESTS: readonly Case[] = [
  {
    id: 'model-size',
    title: 'a loaded model says its size, and starts at version 0',
    rule: 'load_model answers with the size of the model, whose published weights have version 0.',
    where: 'proto/protocol.yml, verbs.load_model',
    needs: ['sample'],
    async run({ worker, source }) {
      const info = await worker.loadModel({ modelId: 'sized', source, trainable: false, seed: 0 });
      expect.differs('architecture', info.architecture, '');
      expect.above('parameters', info.parameters, 0);
      expect.above('vocabularySize', info.vocabularySize, 1);
      expect.above('contextLength', info.contextLength, 1);
      expect.equal('weightsVersion of a loaded model', info.weightsVersion, 0);
      expect.equal('weightsVersion of a sample', (await worker.sample(sampleParams('sized'))).weightsVersion, 0);
      await worker.unloadModel({ modelId: 'sized' });
    },
  },
  {
    id: 'unknown-model',
    title: 'a name without a model is unknown_model for every verb',
    rule: 'A verb whose modelId names no loaded model fails with unknown_model.',
    where: 'proto/README.md, Errors',
    needs: ['sample', 'train'],
    async run({ worker, folder }) {
      const modelId = 'nobody';
      const calls: Record<string, Promise<unknown>> = {
        unload_model: worker.unloadModel({ modelId }),
        sample: worker.sample(sampleParams(modelId)),
        forward: worker.forward({ modelId, ...EMPTY, temperature: 1 }),
        forward_backward: worker.forwardBackward({ modelId, seq: 0, batch: NO_BATCH, loss: LOSS, normalizer: 1 }),
        optim_step: worker.optimStep({ modelId, seq: 0, adam: adam(0.1) }),
        publish_weights: worker.publishWeights({ modelId }),
        average_weights: worker.averageWeights({ modelId, towards: modelId, share: 1 }),
        save_checkpoint: worker.saveCheckpoint({ modelId, path: folder, withOptimizer: false }),
        load_checkpoint: worker.loadCheckpoint({ modelId, path: folder }),
      };
      await Promise.allSettled(Object.values(calls));
      for (const [verb, call] of Object.entries(calls)) await expect.fails(verb, call, 'unknown_model');
    },
  },
  {
    id: 'unload',
    title: 'an unloaded model is gone',
    rule: 'After unload_model the name stands for no model.',
    where: 'proto/protocol.yml, verbs.unload_model',
    needs: ['sample'],
    async run({ worker, load }) {
      const modelId = await load();
      await worker.unloadModel({ modelId });
      await expect.fails('sample after unload_model', worker.sample(sampleParams(modelId)), 'unknown_model');
    },
  },
  {
    id: 'unknown-verb',
    title: 'an unknown verb is invalid_request, and the worker lives',
    rule: 'A request for a verb that is not in the protocol fails with invalid_request, which names it.',
    where: 'proto/README.md, Errors',
    needs: [],
    async run({ requester, worker }) {
      const call = requester.request('levitate', packMap({}));
      await expect.fails('the verb levitate', call, 'invalid_request', /levitate/);
      await worker.ping({});
    },
  },
  {
    id: 'wrong-fields',
    title: 'unknown, missing and mistyped fields are invalid_request, and the worker lives',
    rule: 'A struct with an unknown field, a missing one or one of another type is refused; the message names the field.',
    where: 'proto/README.md, Encoding',
    needs: [],
    async run({ requester, worker }) {
      for (const [verb, fields, named] of [
        ['publish_weights', { modelId: 'x', colour: 'red' }, /colour/],
        ['publish_weights', {}, /modelId/],
        ['publish_weights', { modelId: 5 }, /modelId/],
        ['ping', { loudly: true }, /loudly/],
      ] as const) {
        const call = requester.request(verb, packMap(fields));
        await expect.fails(`${verb} with ${JSON.stringify(fields)}`, call, 'invalid_request', named);
      }
      await worker.ping({});
    },
  },
  {
    id: 'foreign-params',
    title: "a verb with another verb's params is invalid_request, and the worker lives",
    rule: 'Params are decoded by their verb, and refused with invalid_request where they do not fit it.',
    where: 'proto/README.md, Encoding',
    needs: [],
    async run({ requester, worker }) {
      const modelId = 'nobody';
      const params: { [V in Verb]?: VerbTypes[V]['params'] } = {
        load_model: { modelId, source: 'x', trainable: false, seed: 0 },
        inspect_model: { source: 'x', conversations: [] },
        sample: sampleParams(modelId),
        forward: { modelId, ...EMPTY, temperature: 1 },
        forward_backward: { modelId, seq: 0, batch: NO_BATCH, loss: LOSS, normalizer: 1 },
        optim_step: { modelId, seq: 0, adam: adam(0.1) },
        average_weights: { modelId, towards: 'x', share: 1 },
        save_checkpoint: { modelId, path: 'x', withOptimizer: false },
        cancel: { id: 1 },
      };
      for (const given of Object.keys(params) as Verb[]) {
        const bytes = packParams(given, params[given] as never);
        for (const verb of Object.keys(VERBS).filter((other) => other !== given)) {
          await expect.fails(`${verb} with the params of ${given}`, requester.request(verb, bytes), 'invalid_request');
        }
      }
      await worker.ping({});
    },
  },
  {
    id: 'broken-params',
    title: 'params that are no msgpack are invalid_request, and the worker lives',
    rule: 'Params that cannot be decoded are answered with invalid_request, since the id of the request can be read.',
    where: 'proto/README.md, Order',
    needs: [],
    async run({ requester, worker }) {
      for (const bytes of [[], [0xc1], [0xdd, 1, 0xff, 0xff, 0xff], [0x80, 0x80]]) {
        for (const verb of ['ping', 'unload_model']) {
          const call = requester.request(verb, Uint8Array.from(bytes));
          await expect.fails(`${verb} with the bytes [${bytes}]`, call, 'invalid_request', /./);
        }
      }
      await worker.ping({});
    },
  },
  {
    id: 'out-of-range',
    title: 'values out of range are invalid_request that names the field',
    rule: 'A value that has no meaning is refused with invalid_request that names its field, and nothing has changed.',
    where: 'proto/README.md, Errors',
    needs: ['sample', 'train'],
    async run(context) {
      const modelId = await context.load();
      const good = sampleParams(modelId);
      const sampling = (changes: object) => ({ ...good, sampling: { ...good.sampling, ...changes } });
      const silent = good.conversations.map(() => ({ messages: [] }));
      const one = { tokens: Int32Array.of(1, 2), lengths: Int32Array.of(2) };
      const batch = { ...one, mask: Uint8Array.of(0, 1), advantages: Float32Array.of(1) };
      const step = { modelId, seq: 0, batch, loss: LOSS, normalizer: 1 };
      const train = (changes: object) => ({ ...step, batch: { ...batch, ...changes } });
      const bad: [Promise<unknown>, RegExp][] = [
        [send(context, 'load_model', { modelId: '', source: 'x', trainable: true, seed: 0 }), /modelId/],
        [send(context, 'sample', { ...good, n: 0 }), /\bn\b/],
        [send(context, 'sample', { ...good, seeds: Uint32Array.of(1) }), /seeds/],
        [send(context, 'sample', { ...good, conversations: silent }), /messages/],
        [send(context, 'sample', sampling({ temperature: -1 })), /temperature/],
        [send(context, 'sample', sampling({ topP: 0 })), /topP/],
        [send(context, 'sample', sampling({ topK: -1 })), /topK/],
        [send(context, 'sample', sampling({ maxTokens: 0 })), /maxTokens/],
        [send(context, 'forward', { modelId, ...one, temperature: 0 }), /temperature/],
        [send(context, 'forward', { modelId, ...one, lengths: Int32Array.of(1), temperature: 1 }), /lengths/],
        [send(context, 'forward', { modelId, ...one, tokens: Int32Array.of(1, 2 ** 30), temperature: 1 }), /tokens/],
        [send(context, 'forward_backward', { ...step, normalizer: 0 }), /normalizer/],
        [send(context, 'forward_backward', train({ mask: Uint8Array.of(1, 1) })), /mask/],
        [send(context, 'forward_backward', train({ mask: Uint8Array.of(0) })), /mask/],
        [send(context, 'forward_backward', train({ advantages: Float32Array.of() })), /advantages/],
        [send(context, 'forward_backward', train({ advantages: Float32Array.of(Number.NaN) })), /advantages/],
        [send(context, 'forward_backward', { ...step, loss: { ...LOSS, klCoef: 1 } }), /refLogprobs/],
        [send(context, 'forward_backward', { ...step, loss: { ...LOSS, importanceCap: 2 } }), /sampleLogprobs/],
        [send(context, 'forward_backward', train({ sampleLogprobs: Float32Array.of(0) })), /sampleLogprobs/],
        [send(context, 'optim_step', { modelId, seq: 0, adam: adam(-1) }), /learningRate/],
      ];
      await Promise.allSettled(bad.map(([call]) => call));
      for (const [call, named] of bad) {
        await expect.fails(
          `a request with a wrong ${named.source.replaceAll('\\b', '')}`,
          call,
          'invalid_request',
          named,
        );
      }
      // None of the refused gradient calls used up its seq or left a gradient.
      const step0 = await context.worker.optimStep({ modelId, seq: 0, adam: adam(0) });
      expect.equal('the gradient that refused requests left', step0, { gradNorm: 0 });
    },
  },
  {
    id: 'unloadable-source',
    title: 'a source that is no model is model_unloadable, and the model of that name stays',
    rule: 'load_model of what is no model fails with model_unloadable, names the source, and changes nothing.',
    where: 'proto/protocol.yml, verbs.load_model',
    needs: ['sample'],
    async run({ worker, load, folder }) {
      const modelId = await load();
      const before = await worker.sample(sampleParams(modelId));
      const call = worker.loadModel({ modelId, source: folder, trainable: true, seed: 0 });
      await expect.fails('load_model from a folder that is not there', call, 'model_unloadable', folder);
      expect.equal('samples of the model that was there', await worker.sample(sampleParams(modelId)), before);
    },
  },
  {
    id: 'every-verb',
    title: 'every verb of the protocol is known',
    rule: 'A worker knows every verb of the protocol: it refuses params that do not fit, not the verb.',
    where: 'proto/protocol.yml, verbs',
    needs: [],
    async run({ worker, requester }) {
      for (const [verb, { method }] of Object.entries(VERBS)) {
        expect.equal(`the method ${method}`, typeof worker[method], 'function');
        const call = requester.request(verb, packMap({ nonsense: 1 }));
        // Of a role that it does not offer, a worker may say that first.
        const said = /nonsense|modelId|source|role/;
        await expect.fails(`${verb} with a field that no verb has`, call, 'invalid_request', said);
      }
    },
  },
];
