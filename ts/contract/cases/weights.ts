import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { probeTokens } from '../../worker/probe.ts';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { withSamples } from '../gradients.ts';
import { adam, completionLogprobs, LOSS, type Sequence, sampleParams, sequencesOf, trainBatch } from '../requests.ts';

const NEEDS = ['sample', 'train'] as const;

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

export const WEIGHTS: readonly Case[] = [
  {
    id: 'load-role',
    title: 'a frozen model that is loaded for one role does the verbs of the other too',
    rule: 'The role of load_model is a hint: every verb works all the same.',
    where: 'proto/README.md, What the verbs compute',
    needs: NEEDS,
    async run(context) {
      const { worker, source, tolerance } = context;
      const modelId = await context.load({ trainable: false });
      const before = sequencesOf(await worker.sample(sampleParams(modelId)));
      const scored = await completionLogprobs(worker, modelId, before);
      for (const role of ['train', 'sample'] as const) {
        await worker.loadModel({ modelId, source, trainable: false, role, seed: 7 });
        const drawn = sequencesOf(await worker.sample(sampleParams(modelId)));
        const tokens = (sequences: Sequence[]) => sequences.map(({ completion }) => completion);
        expect.equal(`samples of a model for ${role}`, tokens(drawn), tokens(before));
        const again = await completionLogprobs(worker, modelId, before);
        expect.alike(`log-probs of a model for ${role}`, again, scored, tolerance);
      }
    },
  },
  {
    id: 'publish',
    title: 'samples come from the published weights until publish_weights, which counts up',
    rule: 'sample draws from the weights last published; publish_weights makes them the trained ones and counts up.',
    where: 'proto/protocol.yml, verbs.publish_weights',
    needs: NEEDS,
    async run(context) {
      const { worker, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const before = await worker.sample(sampleParams(modelId));
      await train(context, modelId, sequences, 0);
      expect.equal('samples after a step that was not published', await worker.sample(sampleParams(modelId)), before);
      const { weightsVersion } = await worker.publishWeights({ modelId });
      expect.equal('weightsVersion of the first publish_weights', weightsVersion, 1);
      const after = await worker.sample(sampleParams(modelId));
      expect.equal('weightsVersion of a sample after it', after.weightsVersion, 1);
      const drawn = sequencesOf(after);
      const trained = await completionLogprobs(worker, modelId, drawn);
      const reported = drawn.map(({ logprobs }) => logprobs);
      expect.alike('log-probs of samples after publish_weights', reported, trained, tolerance);
      const own = sequences.map(({ logprobs }) => logprobs);
      const change = expect.distance(await completionLogprobs(worker, modelId, sequences), own);
      expect.above('what the step changed of a log-prob', change, 10 * tolerance);
      const second = await worker.publishWeights({ modelId });
      expect.equal('weightsVersion of the second publish_weights', second.weightsVersion, 2);
    },
  },
  {
    id: 'checkpoint',
    title: 'a checkpoint restores the weights and the optimiser, and publishes them',
    rule: 'load_checkpoint puts weights and optimiser back as they were saved, and publishes the weights.',
    where: 'proto/protocol.yml, verbs.load_checkpoint',
    needs: NEEDS,
    async run(context) {
      const { worker, folder, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      await train(context, modelId, sequences, 0);
      const saved = await completionLogprobs(worker, modelId, sequences);
      const path = join(folder, 'checkpoint');
      const written = await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      expect.above('bytes of the checkpoint', written.bytes, 0);
      await train(context, modelId, sequences, 1);
      const further = await completionLogprobs(worker, modelId, sequences);
      expect.above('what a further step changed', expect.distance(further, saved), 10 * tolerance);

      const { weightsVersion, steps } = await worker.loadCheckpoint({ modelId, path });
      expect.equal('weightsVersion of load_checkpoint', weightsVersion, 1);
      expect.equal('steps of load_checkpoint', steps, 1);
      const restored = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after load_checkpoint', restored, saved, tolerance);
      const drawn = sequencesOf(await worker.sample(sampleParams(modelId)));
      const reported = drawn.map(({ logprobs }) => logprobs);
      const scored = await completionLogprobs(worker, modelId, drawn);
      expect.alike('log-probs of samples after load_checkpoint', reported, scored, tolerance);

      await train(context, modelId, sequences, 3);
      const again = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after the further step, taken again', again, further, tolerance);
    },
  },
  {
    id: 'checkpoint-without-optimizer',
    title: 'a checkpoint without the optimiser starts a fresh one, as loading it as a model does',
    rule: 'Where no optimiser was saved, training goes on with a fresh one; a checkpoint is a model to load, too.',
    where: 'proto/protocol.yml, verbs.load_checkpoint',
    needs: NEEDS,
    async run(context) {
      const { worker, folder, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      await train(context, modelId, sequences, 0);
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: false });
      const saved = await completionLogprobs(worker, modelId, sequences);
      await train(context, modelId, sequences, 1);
      const withMoments = await completionLogprobs(worker, modelId, sequences);

      expect.equal('steps of load_checkpoint', (await worker.loadCheckpoint({ modelId, path })).steps, 0);
      await train(context, modelId, sequences, 3);
      const fresh = await completionLogprobs(worker, modelId, sequences);
      const change = expect.distance(fresh, withMoments);
      expect.above('what a fresh optimiser makes of the same step', change, 10 * tolerance);

      await worker.loadModel({ modelId: 'from-folder', source: path, trainable: true, seed: 0 });
      const loaded = await completionLogprobs(worker, 'from-folder', sequences);
      expect.alike('log-probs of the checkpoint loaded as a model', loaded, saved, tolerance);
      await train(context, 'from-folder', sequences, 1);
      const trained = await completionLogprobs(worker, 'from-folder', sequences);
      expect.alike('log-probs after the step, taken by that model', trained, fresh, tolerance);
      await worker.unloadModel({ modelId: 'from-folder' });
    },
  },
  {
    id: 'checkpoint-drops-gradient',
    title: 'loading a checkpoint drops the gradient that was accumulated',
    rule: 'load_checkpoint leaves the gradient zero.',
    where: 'proto/protocol.yml, verbs.load_checkpoint',
    needs: NEEDS,
    async run(context) {
      const { worker, folder } = context;
      const { modelId, sequences } = await withSamples(context);
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      const batch = trainBatch(sequences, [1, 1, 1]);
      await worker.forwardBackward({ modelId, seq: 0, batch, loss: LOSS, normalizer: 1 });
      await worker.loadCheckpoint({ modelId, path });
      const step = await worker.optimStep({ modelId, seq: 1, adam: adam(0) });
      expect.equal('the gradient after load_checkpoint', step, { gradNorm: 0 });
    },
  },
  {
    id: 'proof',
    title: 'the proof is of the published weights, and of nothing else',
    rule: 'Equal weights have equal proofs, other weights have others; the probe is what forward gives for its tokens.',
    where: 'proto/README.md, What the verbs compute',
    needs: NEEDS,
    async run(context) {
      const { worker, source, folder, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const { vocabularySize } = await worker.loadModel({ modelId, source, trainable: true, seed: 7 });
      const publish = async (weightsVersion: number) =>
        (await worker.publishWeights({ modelId, weightsVersion })).proof;
      const before = await publish(1);
      const tokens = probeTokens(vocabularySize);
      const forward = { modelId, tokens, lengths: Int32Array.of(tokens.length), temperature: 1 };
      const { logprobs } = await worker.forward(forward);
      expect.alike('log-probs of the probe', [Array.from(before.probe)], [Array.from(logprobs)], tolerance);
      await train(context, modelId, sequences, 0);
      expect.equal('the proof after a step that was not published', await publish(1), before);
      const after = await publish(2);
      expect.differs('the checksum after a step', after.checksum, before.checksum);
      expect.equal('the proof of the same weights under another version', await publish(3), after);
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: false });
      await train(context, modelId, sequences, 1);
      await publish(4);
      const { proof } = await worker.loadCheckpoint({ modelId, path });
      expect.equal('the checksum after load_checkpoint', proof.checksum, after.checksum);
      expect.alike('log-probs of its probe', [Array.from(proof.probe)], [Array.from(after.probe)], tolerance);
    },
  },
  {
    id: 'checkpoint-for-sampling',
    title: 'a checkpoint for sampling samples as the published weights do',
    rule: 'forSampling may round weights to the type they are sampled in: proof and samples are as published.',
    where: 'proto/README.md, What the verbs compute',
    needs: NEEDS,
    async run(context) {
      const { worker, source, folder, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      await train(context, modelId, sequences, 0);
      const path = join(folder, 'checkpoint');
      const saved = await worker.saveCheckpoint({ modelId, path, withOptimizer: false, forSampling: true });
      const { proof: proven } = await worker.publishWeights({ modelId, weightsVersion: 3 });
      const published = sequencesOf(await worker.sample(sampleParams(modelId)));

      const follower = 'follower';
      await worker.loadModel({ modelId: follower, source, trainable: false, seed: 7 });
      const { manifestSha256 } = saved;
      const { proof } = await worker.loadCheckpoint({ modelId: follower, path, manifestSha256, weightsVersion: 3 });
      expect.equal('the checksum of a checkpoint for sampling', proof.checksum, proven.checksum);
      expect.alike('log-probs of its probe', [Array.from(proof.probe)], [Array.from(proven.probe)], tolerance);
      const drawn = sequencesOf(await worker.sample(sampleParams(follower)));
      const completionsOf = (all: Sequence[]) => all.map(({ completion }) => completion);
      expect.equal('completions sampled from it', completionsOf(drawn), completionsOf(published));
      const reportedOf = (all: Sequence[]) => all.map(({ logprobs }) => logprobs);
      expect.alike('their log-probs', reportedOf(drawn), reportedOf(published), tolerance);
      await worker.unloadModel({ modelId: follower });
    },
  },
  {
    id: 'checkpoint-damaged',
    title: 'a checkpoint with one wrong bit is not loaded, nor one with a file more or less',
    rule: 'A folder that is not as its manifest says is an io_error that names the file, and nothing of it is used.',
    where: 'proto/protocol.yml, verbs.load_checkpoint',
    needs: NEEDS,
    async run(context) {
      const { worker, folder } = context;
      const { modelId, sequences } = await withSamples(context);
      const path = join(folder, 'checkpoint');
      const { manifestSha256 } = await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      await train(context, modelId, sequences, 0);
      const before = await completionLogprobs(worker, modelId, sequences);
      const refuses = async (subject: string, file: string) => {
        const call = worker.loadCheckpoint({ modelId, path, weightsVersion: 9 });
        await expect.fails(`load_checkpoint ${subject}`, call, 'io_error', file);
      };
      const { files } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as { files: object };
      for (const file of Object.keys(files)) {
        const place = join(path, file);
        const whole = readFileSync(place);
        if (whole.length === 0) continue;
        const damaged = Buffer.from(whole);
        const at = Math.floor(damaged.length / 2);
        damaged[at] = (damaged[at] as number) ^ 1;
        writeFileSync(place, damaged);
        await refuses(`of one wrong bit in ${file}`, file);
        writeFileSync(place, whole);
      }
      const stray = join(path, 'stray.json');
      writeFileSync(stray, '{}');
      await refuses('with a file more', 'stray.json');
      rmSync(stray);
      const manifest = join(path, 'manifest.json');
      renameSync(manifest, join(folder, 'manifest.json'));
      await refuses('without its manifest', 'manifest');
      renameSync(join(folder, 'manifest.json'), manifest);
      expect.equal('log-probs after what was refused', await completionLogprobs(worker, modelId, sequences), before);
      const drawn = await worker.sample(sampleParams(modelId));
      expect.equal('weightsVersion after what was refused', drawn.weightsVersion, 0);
      const restored = await worker.loadCheckpoint({ modelId, path, manifestSha256, weightsVersion: 9 });
      expect.equal('weightsVersion of load_checkpoint of what is whole again', restored.weightsVersion, 9);
    },
  },
  {
    id: 'checkpoint-manifest',
    title: 'the manifest has the SHA-256 that save_checkpoint said, and a checkpoint with another is refused',
    rule: 'manifestSha256 is the SHA-256 of manifest.json; load_checkpoint that is given another fails with io_error.',
    where: 'proto/protocol.yml, verbs.load_checkpoint',
    needs: NEEDS,
    async run(context) {
      const { worker, folder } = context;
      const { modelId, sequences } = await withSamples(context);
      const path = join(folder, 'checkpoint');
      await train(context, modelId, sequences, 0);
      const { manifestSha256, bytes } = await worker.saveCheckpoint({ modelId, path, withOptimizer: true });
      const manifest = readFileSync(join(path, 'manifest.json'));
      const seen = createHash('sha256').update(manifest).digest('hex');
      expect.equal('manifestSha256', manifestSha256, seen);
      const { files, ...rest } = JSON.parse(manifest.toString()) as { files: Record<string, { bytes: number }> };
      expect.equal('what the manifest says beside its files', rest, { format: 1, steps: 1, weightsVersion: 0 });
      const listed = Object.values(files).reduce((total, file) => total + file.bytes, manifest.byteLength);
      expect.equal('bytes of save_checkpoint', bytes, listed);
      const other = '0'.repeat(64);
      const call = worker.loadCheckpoint({ modelId, path, manifestSha256: other });
      await expect.fails('load_checkpoint of another manifest', call, 'io_error', other);
      await worker.loadCheckpoint({ modelId, path, manifestSha256 });
    },
  },
  {
    id: 'checkpoint-paths',
    title: 'a checkpoint is not written over what exists, nor read where there is none',
    rule: 'save_checkpoint to a path that exists and load_checkpoint from one that does not fail with io_error that names it.',
    where: 'proto/README.md, Repeats',
    needs: NEEDS,
    async run({ worker, load, folder }) {
      const modelId = await load();
      const path = join(folder, 'checkpoint');
      await worker.saveCheckpoint({ modelId, path, withOptimizer: false });
      const again = worker.saveCheckpoint({ modelId, path, withOptimizer: false });
      await expect.fails('save_checkpoint to a path that exists', again, 'io_error', path);
      const missing = join(folder, 'missing');
      const call = worker.loadCheckpoint({ modelId, path: missing });
      await expect.fails('load_checkpoint of a path that does not', call, 'io_error', missing);
      await worker.sample(sampleParams(modelId));
    },
  },
  {
    id: 'average',
    title: 'a model is moved towards another: part of the way, or all of it; the other stays as it is',
    rule: 'average_weights moves weights by a share of their distance to the trained weights of another model.',
    where: 'proto/protocol.yml, verbs.average_weights',
    needs: NEEDS,
    async run(context) {
      const { worker, source, tolerance } = context;
      const { modelId: towards, sequences } = await withSamples(context);
      const modelId = 'anchor';
      await worker.loadModel({ modelId, source, trainable: false, seed: 7 });
      const start = await completionLogprobs(worker, modelId, sequences);
      await train(context, towards, sequences, 0);
      const end = await completionLogprobs(worker, towards, sequences);
      const whole = expect.distance(start, end);
      expect.above('what the step changed of a log-prob', whole, 10 * tolerance);

      const average = (share: number) => worker.averageWeights({ modelId, towards, share });
      expect.equal('average_weights of a frozen model', await average(0.5), { weightsVersion: 1 });
      const middle = await completionLogprobs(worker, modelId, sequences);
      expect.above('how far half the way is from its start', expect.distance(start, middle), 2 * tolerance);
      expect.below('how far it is from its end', expect.distance(middle, end), whole - 2 * tolerance);
      expect.above('how far it is from its end', expect.distance(middle, end), 2 * tolerance);
      expect.equal('average_weights of the whole way', await average(1), { weightsVersion: 2 });
      const there = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after the whole way', there, end, tolerance);
      expect.alike('log-probs of the other', await completionLogprobs(worker, towards, sequences), end, tolerance);

      const drawn = await worker.sample(sampleParams(modelId));
      expect.equal('weightsVersion of a sample of a frozen model', drawn.weightsVersion, 2);
      const samples = sequencesOf(drawn);
      const reported = samples.map(({ logprobs }) => logprobs);
      const scored = await completionLogprobs(worker, modelId, samples);
      expect.alike('log-probs of samples of a frozen model', reported, scored, tolerance);
      const nobody = worker.averageWeights({ modelId, towards: 'nobody', share: 1 });
      await expect.fails('average_weights towards a name without a model', nobody, 'unknown_model', 'nobody');
      await worker.unloadModel({ modelId });
    },
  },
  {
    id: 'average-trained',
    title: 'averaging moves the trained weights of a trainable model, and publishes nothing',
    rule: 'average_weights of a trainable model changes its trained weights and leaves the published ones and their version.',
    where: 'proto/protocol.yml, verbs.average_weights',
    needs: NEEDS,
    async run(context) {
      const { worker, source, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const towards = 'start';
      await worker.loadModel({ modelId: towards, source, trainable: false, seed: 7 });
      const before = await worker.sample(sampleParams(modelId));
      const start = await completionLogprobs(worker, towards, sequences);
      await train(context, modelId, sequences, 0);
      const trained = await completionLogprobs(worker, modelId, sequences);
      expect.above('what the step changed of a log-prob', expect.distance(start, trained), 10 * tolerance);
      await worker.publishWeights({ modelId });
      const published = await worker.sample(sampleParams(modelId));
      expect.differs('samples after the step was published', published, before);
      const answer = await worker.averageWeights({ modelId, towards, share: 1 });
      expect.equal('average_weights of a trainable model', answer, { weightsVersion: 1 });
      const back = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after the whole way back', back, start, tolerance);
      expect.equal('samples after it', await worker.sample(sampleParams(modelId)), published);
      await worker.unloadModel({ modelId: towards });
    },
  },
  {
    id: 'load-replaces',
    title: 'load_model under the same name replaces weights, optimiser, version and seqs',
    rule: 'load_model replaces a model of the same name; its optimiser, version and seqs begin anew.',
    where: 'proto/protocol.yml, verbs.load_model',
    needs: NEEDS,
    async run(context) {
      const { worker, source, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const initial = await completionLogprobs(worker, modelId, sequences);
      await train(context, modelId, sequences, 0);
      const once = await completionLogprobs(worker, modelId, sequences);
      await train(context, modelId, sequences, 1);
      await worker.publishWeights({ modelId });

      const { weightsVersion } = await worker.loadModel({ modelId, source, trainable: true, seed: 7 });
      expect.equal('weightsVersion of load_model', weightsVersion, 0);
      const drawn = await worker.sample(sampleParams(modelId));
      expect.equal('weightsVersion of a sample after it', drawn.weightsVersion, 0);
      const fresh = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after load_model', fresh, initial, tolerance);
      await train(context, modelId, sequences, 0);
      const again = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after the first step, taken again', again, once, tolerance);
    },
  },
];
