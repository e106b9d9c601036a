import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Case, Context } from '../context.ts';
import { adam, failureOf, LOSS, sampleParams, sequencesOf, trainBatch } from '../requests.ts';

/** One training step, so that the trained weights are no longer the published ones. */
async function train({ worker, learningRate }: Context, modelId: string): Promise<void> {
  const sequences = sequencesOf(await worker.sample(sampleParams(modelId)));
  const batch = trainBatch(sequences, [1, -1, 1]);
  await worker.forwardBackward({ modelId, seq: 0, batch, loss: LOSS, normalizer: 10 });
  await worker.optimStep({ modelId, seq: 1, adam: adam(learningRate) });
}

async function expectStale(call: Promise<unknown>, ...versions: number[]): Promise<void> {
  const { code, message } = await failureOf(call);
  expect(code).toBe('stale_weights');
  for (const version of versions) expect(new RegExp(`\\b${version}\\b`).test(message)).toBe(true);
}

export const VERSIONS: readonly Case[] = [
  {
    name: 'sample answers for the version that was asked for, and stale_weights for any other',
    async run({ worker, load }) {
      const modelId = await load();
      const any = await worker.sample(sampleParams(modelId));
      expect(await worker.sample(sampleParams(modelId, { weightsVersion: 0 }))).toEqual(any);
      await expectStale(worker.sample(sampleParams(modelId, { weightsVersion: 1 })), 0, 1);
      await worker.publishWeights({ modelId });
      await expectStale(worker.sample(sampleParams(modelId, { weightsVersion: 0 })), 0, 1);
      expect((await worker.sample(sampleParams(modelId, { weightsVersion: 1 }))).weightsVersion).toBe(1);
    },
  },
  {
    name: 'publish_weights gives the version that was asked for, and nothing changes when it is repeated',
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      expect(await worker.publishWeights({ modelId, weightsVersion: 5 })).toEqual({ weightsVersion: 5 });
      const before = await worker.sample(sampleParams(modelId));
      expect(before.weightsVersion).toBe(5);
      await train(context, modelId);
      expect(await worker.publishWeights({ modelId, weightsVersion: 5 })).toEqual({ weightsVersion: 5 });
      expect(await worker.sample(sampleParams(modelId))).toEqual(before);
      expect(await worker.publishWeights({ modelId, weightsVersion: 9 })).toEqual({ weightsVersion: 9 });
      const after = await worker.sample(sampleParams(modelId, { weightsVersion: 9 }));
      expect(Array.from(after.logprobs).join() === Array.from(before.logprobs).join()).toBe(false);
      expect(await worker.publishWeights({ modelId })).toEqual({ weightsVersion: 10 });
    },
  },
  {
    name: 'publish_weights below the present version is stale_weights and changes nothing',
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      await worker.publishWeights({ modelId, weightsVersion: 5 });
      const before = await worker.sample(sampleParams(modelId));
      await train(context, modelId);
      await expectStale(worker.publishWeights({ modelId, weightsVersion: 4 }), 4, 5);
      expect(await worker.sample(sampleParams(modelId))).toEqual(before);
    },
  },
  {
    name: 'load_checkpoint gives the version that was asked for, also one below, and else one more',
    async run(context) {
      const { worker, folder } = context;
      const modelId = await context.load();
      const path = join(folder, 'checkpoint');
      const saved = await worker.sample(sampleParams(modelId));
      await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      await train(context, modelId);
      await worker.publishWeights({ modelId, weightsVersion: 6 });
      for (const [asked, version] of [
        [3, 3],
        [undefined, 4],
        [4, 4],
        [0, 0],
        [2 ** 40, 2 ** 40],
      ] as const) {
        const params = { modelId, path, ...(asked !== undefined && { weightsVersion: asked }) };
        expect(await worker.loadCheckpoint(params)).toEqual({ weightsVersion: version });
        const drawn = await worker.sample(sampleParams(modelId, { weightsVersion: version }));
        expect(drawn).toEqual({ ...saved, weightsVersion: version });
      }
    },
  },
  {
    name: 'a checkpoint that cannot be loaded leaves weights and version',
    async run({ worker, load, folder }) {
      const modelId = await load();
      const before = await worker.sample(sampleParams(modelId));
      const call = worker.loadCheckpoint({ modelId, path: join(folder, 'missing'), weightsVersion: 7 });
      await expect(call).rejects.toMatchObject({ code: 'io_error' });
      expect(await worker.sample(sampleParams(modelId, { weightsVersion: 0 }))).toEqual(before);
    },
  },
  {
    name: 'a version below zero is invalid_request',
    async run({ worker, load, folder }) {
      const modelId = await load();
      const weightsVersion = -1;
      for (const call of [
        () => worker.sample(sampleParams(modelId, { weightsVersion })),
        () => worker.publishWeights({ modelId, weightsVersion }),
        () => worker.loadCheckpoint({ modelId, path: folder, weightsVersion }),
      ]) {
        const failure = await failureOf(call());
        expect(failure.code).toBe('invalid_request');
        expect(failure.message.includes('weightsVersion')).toBe(true);
      }
    },
  },
];
