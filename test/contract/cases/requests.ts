import { expect } from '@jest/globals';
import type { Verb, VerbTypes } from '../../../ts/protocol/generated.ts';
import { VERBS } from '../../../ts/protocol/generated.ts';
import { pack } from '../../../ts/worker/codec.ts';
import type { Case, Context } from '../context.ts';
import { adam, LOSS, sampleParams } from '../requests.ts';

const EMPTY = { tokens: new Int32Array(), lengths: new Int32Array() };
const NO_BATCH = { ...EMPTY, mask: new Uint8Array(), advantages: new Float32Array() };

/** Bytes of a map, to send as params what the typed methods would refuse. */
function packMap(fields: object): Uint8Array {
  return pack({ encode: unchecked, decode: () => fields }, fields);
}

/** A value as msgpack holds it: packed arrays are their bytes, the rest is as it is. */
function unchecked(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(unchecked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unchecked(item)]));
}

async function send<V extends Verb>({ target }: Context, verb: V, params: VerbTypes[V]['params']): Promise<Uint8Array> {
  return target.requester.request(verb, packMap(params));
}

async function expectInvalid(answer: Promise<unknown>, named: RegExp): Promise<void> {
  await expect(answer).rejects.toMatchObject({ code: 'invalid_request', message: expect.stringMatching(named) });
}

export const REQUESTS: readonly Case[] = [
  {
    name: 'another protocol hash is refused with both hashes named',
    async run({ start }) {
      const other = '0'.repeat(64);
      await expect(start(other)).rejects.toMatchObject({
        code: 'unauthorized',
        message: expect.stringMatching(new RegExp(`(?!${other})[0-9a-f]{64}.*${other}`)),
      });
    },
  },
  {
    name: 'the worker says what it is',
    async run({ worker: { hello } }) {
      expect(hello.backend).not.toBe('');
      expect(hello.capabilities).toContain('sample');
      expect(hello.losses).toContain('grpo');
      expect(Object.keys(hello.versions).length).toBeGreaterThan(0);
      expect(hello.pid).toBeGreaterThan(0);
    },
  },
  {
    name: 'a loaded model says its size, and starts at version 0',
    async run({ worker, source }) {
      const info = await worker.loadModel({ modelId: 'sized', source, trainable: false, seed: 0 });
      expect(info.architecture).not.toBe('');
      expect(info.parameters).toBeGreaterThan(0);
      expect(info.vocabularySize).toBeGreaterThan(1);
      expect(info.contextLength).toBeGreaterThan(1);
      expect(info.weightsVersion).toBe(0);
      expect((await worker.sample(sampleParams('sized'))).weightsVersion).toBe(0);
      await worker.unloadModel({ modelId: 'sized' });
    },
  },
  {
    name: 'a name without a model is unknown_model for every verb',
    async run({ worker, folder }) {
      const modelId = 'nobody';
      const calls: Promise<unknown>[] = [
        worker.unloadModel({ modelId }),
        worker.sample(sampleParams(modelId)),
        worker.forward({ modelId, ...EMPTY, temperature: 1 }),
        worker.forwardBackward({ modelId, seq: 0, batch: NO_BATCH, loss: LOSS, normalizer: 1 }),
        worker.optimStep({ modelId, seq: 0, adam: adam(0.1) }),
        worker.publishWeights({ modelId }),
        worker.saveCheckpoint({ modelId, path: folder, withOptimizer: false }),
        worker.loadCheckpoint({ modelId, path: folder }),
      ];
      for (const call of await Promise.allSettled(calls)) {
        expect(call).toMatchObject({ status: 'rejected', reason: { code: 'unknown_model' } });
      }
    },
  },
  {
    name: 'an unloaded model is gone',
    async run({ worker, load }) {
      const modelId = await load();
      await worker.unloadModel({ modelId });
      await expect(worker.sample(sampleParams(modelId))).rejects.toMatchObject({ code: 'unknown_model' });
    },
  },
  {
    name: 'an unknown verb is invalid_request, and the worker lives',
    async run({ target, worker }) {
      await expectInvalid(target.requester.request('levitate', packMap({})), /levitate/);
      await worker.ping({});
    },
  },
  {
    name: 'unknown, missing and mistyped fields are invalid_request, and the worker lives',
    async run({ target, worker }) {
      for (const [verb, fields, named] of [
        ['publish_weights', { modelId: 'x', colour: 'red' }, /colour/],
        ['publish_weights', {}, /modelId/],
        ['publish_weights', { modelId: 5 }, /modelId/],
        ['ping', { loudly: true }, /loudly/],
      ] as const) {
        await expectInvalid(target.requester.request(verb, packMap(fields)), named);
      }
      await worker.ping({});
    },
  },
  {
    name: 'params that are no msgpack are invalid_request, and the worker lives',
    async run({ target, worker }) {
      for (const bytes of [[], [0xc1], [0xdd, 1, 0xff, 0xff, 0xff], [0x80, 0x80]]) {
        for (const verb of ['ping', 'unload_model']) {
          await expectInvalid(target.requester.request(verb, Uint8Array.from(bytes)), /./);
        }
      }
      await worker.ping({});
    },
  },
  {
    name: 'values out of range are invalid_request that names the field',
    async run(context) {
      const modelId = await context.load();
      const good = sampleParams(modelId);
      const sampling = (changes: object) => ({ ...good, sampling: { ...good.sampling, ...changes } });
      const one = { tokens: Int32Array.of(1, 2), lengths: Int32Array.of(2) };
      const batch = { ...one, mask: Uint8Array.of(0, 1), advantages: Float32Array.of(1) };
      const step = { modelId, seq: 0, batch, loss: LOSS, normalizer: 1 };
      const bad: [Promise<unknown>, RegExp][] = [
        [send(context, 'load_model', { modelId: '', source: 'x', trainable: true, seed: 0 }), /modelId/],
        [send(context, 'sample', { ...good, n: 0 }), /\bn\b/],
        [send(context, 'sample', { ...good, seeds: Uint32Array.of(1) }), /seeds/],
        [
          send(context, 'sample', { ...good, conversations: good.conversations.map(() => ({ messages: [] })) }),
          /messages/,
        ],
        [send(context, 'sample', sampling({ temperature: -1 })), /temperature/],
        [send(context, 'sample', sampling({ topP: 0 })), /topP/],
        [send(context, 'sample', sampling({ topK: -1 })), /topK/],
        [send(context, 'sample', sampling({ maxTokens: 0 })), /maxTokens/],
        [send(context, 'forward', { modelId, ...one, temperature: 0 }), /temperature/],
        [send(context, 'forward', { modelId, ...one, lengths: Int32Array.of(1), temperature: 1 }), /lengths/],
        [send(context, 'forward', { modelId, ...one, tokens: Int32Array.of(1, 2 ** 30), temperature: 1 }), /tokens/],
        [send(context, 'forward_backward', { ...step, normalizer: 0 }), /normalizer/],
        [send(context, 'forward_backward', { ...step, batch: { ...batch, mask: Uint8Array.of(1, 1) } }), /mask/],
        [send(context, 'forward_backward', { ...step, batch: { ...batch, mask: Uint8Array.of(0) } }), /mask/],
        [
          send(context, 'forward_backward', { ...step, batch: { ...batch, advantages: Float32Array.of() } }),
          /advantages/,
        ],
        [
          send(context, 'forward_backward', { ...step, batch: { ...batch, advantages: Float32Array.of(Number.NaN) } }),
          /advantages/,
        ],
        [send(context, 'forward_backward', { ...step, loss: { ...LOSS, klCoef: 1 } }), /refLogprobs/],
        [send(context, 'optim_step', { modelId, seq: 0, adam: adam(-1) }), /learningRate/],
      ];
      for (const [call, named] of bad) await expectInvalid(call, named);
      // None of the refused gradient calls used up its seq or left a gradient.
      expect(await context.worker.optimStep({ modelId, seq: 0, adam: adam(0) })).toEqual({ gradNorm: 0 });
    },
  },
  {
    name: 'a source that is no model is model_unloadable, and the model of that name stays',
    async run({ worker, load, folder }) {
      const modelId = await load();
      const before = await worker.sample(sampleParams(modelId));
      const call = worker.loadModel({ modelId, source: folder, trainable: true, seed: 0 });
      await expect(call).rejects.toMatchObject({ code: 'model_unloadable', message: expect.stringContaining(folder) });
      expect(await worker.sample(sampleParams(modelId))).toEqual(before);
    },
  },
  {
    name: 'every verb of the protocol is a method',
    async run({ worker }) {
      for (const { method } of Object.values(VERBS)) expect(typeof worker[method]).toBe('function');
    },
  },
];
