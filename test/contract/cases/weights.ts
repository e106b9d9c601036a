import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Case, Context } from '../context.ts';
import {
  adam,
  completionLogprobs,
  distance,
  LOSS,
  type Sequence,
  sampleParams,
  sequencesOf,
  trainBatch,
} from '../requests.ts';

const ADVANTAGES = [
  [1, -1, 1],
  [-1, 1, 0.5],
] as const;

/** One whole training step, its seqs `2 * step` and the next; `step` chooses the advantages too. */
async function train({ worker, learningRate }: Context, modelId: string, sequences: Sequence[], step: number) {
  const batch = trainBatch(sequences, ADVANTAGES[step % 2] as readonly number[]);
  await worker.forwardBackward({ modelId, seq: 2 * step, batch, loss: LOSS, normalizer: 10 });
  await worker.optimStep({ modelId, seq: 2 * step + 1, adam: adam(learningRate) });
}

async function withSamples(context: Context): Promise<{ modelId: string; sequences: Sequence[] }> {
  const modelId = await context.load();
  return { modelId, sequences: sequencesOf(await context.worker.sample(sampleParams(modelId))) };
}

export const WEIGHTS: readonly Case[] = [
  {
    name: 'samples come from the published weights until publish_weights, which counts up',
    async run(context) {
      const { worker, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const before = await worker.sample(sampleParams(modelId));
      await train(context, modelId, sequences, 0);
      expect(await worker.sample(sampleParams(modelId))).toEqual(before);
      expect(await worker.publishWeights({ modelId })).toEqual({ weightsVersion: 1 });
      const after = await worker.sample(sampleParams(modelId));
      expect(after.weightsVersion).toBe(1);
      const drawn = sequencesOf(after);
      const trained = await completionLogprobs(worker, modelId, drawn);
      const reported = drawn.map(({ logprobs }) => logprobs);
      expect(distance(trained, reported)).toBeLessThanOrEqual(tolerance);
      const own = sequences.map(({ logprobs }) => logprobs);
      expect(distance(await completionLogprobs(worker, modelId, sequences), own)).toBeGreaterThan(10 * tolerance);
      expect(await worker.publishWeights({ modelId })).toEqual({ weightsVersion: 2 });
    },
  },
  {
    name: 'a checkpoint restores the weights and the optimiser, and publishes them',
    async run(context) {
      const { worker, folder, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      await train(context, modelId, sequences, 0);
      const saved = await completionLogprobs(worker, modelId, sequences);
      const path = join(folder, 'checkpoint');
      expect((await worker.saveCheckpoint({ modelId, path, withOptimizer: true })).bytes).toBeGreaterThan(0);
      await train(context, modelId, sequences, 1);
      const further = await completionLogprobs(worker, modelId, sequences);
      expect(distance(further, saved)).toBeGreaterThan(10 * tolerance);

      const { weightsVersion } = await worker.loadCheckpoint({ modelId, path });
      expect(weightsVersion).toBe(1);
      expect(distance(await completionLogprobs(worker, modelId, sequences), saved)).toBeLessThanOrEqual(tolerance);
      const drawn = sequencesOf(await worker.sample(sampleParams(modelId)));
      const reported = drawn.map(({ logprobs }) => logprobs);
      expect(distance(await completionLogprobs(worker, modelId, drawn), reported)).toBeLessThanOrEqual(tolerance);

      await train(context, modelId, sequences, 3);
      expect(distance(await completionLogprobs(worker, modelId, sequences), further)).toBeLessThanOrEqual(tolerance);
    },
  },
  {
    name: 'a checkpoint without the optimiser starts a fresh one, as loading it as a model does',
    async run(context) {
      const { worker, folder, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      await train(context, modelId, sequences, 0);
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: false });
      const saved = await completionLogprobs(worker, modelId, sequences);
      await train(context, modelId, sequences, 1);
      const withMoments = await completionLogprobs(worker, modelId, sequences);

      await worker.loadCheckpoint({ modelId, path });
      await train(context, modelId, sequences, 3);
      const fresh = await completionLogprobs(worker, modelId, sequences);
      expect(distance(fresh, withMoments)).toBeGreaterThan(10 * tolerance);

      await worker.loadModel({ modelId: 'from-folder', source: path, trainable: true, seed: 0 });
      expect(distance(await completionLogprobs(worker, 'from-folder', sequences), saved)).toBeLessThanOrEqual(
        tolerance,
      );
      await train(context, 'from-folder', sequences, 1);
      expect(distance(await completionLogprobs(worker, 'from-folder', sequences), fresh)).toBeLessThanOrEqual(
        tolerance,
      );
      await worker.unloadModel({ modelId: 'from-folder' });
    },
  },
  {
    name: 'loading a checkpoint drops the gradient that was accumulated',
    async run(context) {
      const { worker, folder } = context;
      const { modelId, sequences } = await withSamples(context);
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      const batch = trainBatch(sequences, [1, 1, 1]);
      await worker.forwardBackward({ modelId, seq: 0, batch, loss: LOSS, normalizer: 1 });
      await worker.loadCheckpoint({ modelId, path });
      expect(await worker.optimStep({ modelId, seq: 1, adam: adam(0) })).toEqual({ gradNorm: 0 });
    },
  },
  {
    name: 'a checkpoint is not written over what exists, nor read where there is none',
    async run({ worker, load, folder }) {
      const modelId = await load();
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: false });
      const failure = { code: 'io_error', message: expect.stringContaining(path) };
      await expect(worker.saveCheckpoint({ modelId, path, withOptimizer: false })).rejects.toMatchObject(failure);
      const missing = join(folder, 'missing');
      await expect(worker.loadCheckpoint({ modelId, path: missing })).rejects.toMatchObject({
        code: 'io_error',
        message: expect.stringContaining(missing),
      });
      await worker.sample(sampleParams(modelId));
    },
  },
  {
    name: 'load_model under the same name replaces weights, optimiser, version and seqs',
    async run(context) {
      const { worker, source, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const initial = await completionLogprobs(worker, modelId, sequences);
      await train(context, modelId, sequences, 0);
      const once = await completionLogprobs(worker, modelId, sequences);
      await train(context, modelId, sequences, 1);
      await worker.publishWeights({ modelId });

      const { weightsVersion } = await worker.loadModel({ modelId, source, trainable: true, seed: 7 });
      expect(weightsVersion).toBe(0);
      expect((await worker.sample(sampleParams(modelId))).weightsVersion).toBe(0);
      expect(distance(await completionLogprobs(worker, modelId, sequences), initial)).toBeLessThanOrEqual(tolerance);
      await train(context, modelId, sequences, 0);
      expect(distance(await completionLogprobs(worker, modelId, sequences), once)).toBeLessThanOrEqual(tolerance);
    },
  },
];
