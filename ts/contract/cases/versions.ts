import { join } from 'node:path';
import type { Case, Context } from '../context.ts';
import * as expect from '../expect.ts';
import { adam, LOSS, sampleParams, sequencesOf, trainBatch } from '../requests.ts';
import { packMap } from '../unchecked.ts';

const NEEDS = ['sample', 'train'] as const;
const WHERE = 'proto/README.md, Versions of weights';

/** One training step, so that the trained weights are no longer the published ones. */
async function train({ worker, learningRate }: Context, modelId: string): Promise<void> {
  const sequences = sequencesOf(await worker.sample(sampleParams(modelId)));
  const batch = trainBatch(sequences, [1, -1, 1]);
  await worker.forwardBackward({ modelId, seq: 0, batch, loss: LOSS, normalizer: 10 });
  await worker.optimStep({ modelId, seq: 1, adam: adam(learningRate) });
}

/** Both versions are in the message: the one asked for, and the one that is there. */
async function failsAsStale(subject: string, call: Promise<unknown>, asked: number, present: number): Promise<void> {
  const either = new RegExp(`(?=.*\\b${asked}\\b)(?=.*\\b${present}\\b)`, 's');
  await expect.fails(subject, call, 'stale_weights', either);
}

export const VERSIONS: readonly Case[] = [
  {
    id: 'sample-version',
    title: 'sample answers for the version that was asked for, and stale_weights for any other',
    rule: 'A sample that names a version is drawn from the published weights of that version or not at all.',
    where: WHERE,
    needs: NEEDS,
    async run({ worker, load }) {
      const modelId = await load();
      const sample = (weightsVersion: number) => worker.sample(sampleParams(modelId, { weightsVersion }));
      const any = await worker.sample(sampleParams(modelId));
      expect.equal('samples of version 0, asked for', await sample(0), any);
      await failsAsStale('sample of version 1 at version 0', sample(1), 1, 0);
      await worker.publishWeights({ modelId });
      await failsAsStale('sample of version 0 at version 1', sample(0), 0, 1);
      expect.equal('weightsVersion of a sample of version 1', (await sample(1)).weightsVersion, 1);
    },
  },
  {
    id: 'publish-version',
    title: 'publish_weights gives the version that was asked for, and else one more',
    rule: 'publish_weights makes the published version the one it is given, above the present one; absent: one more.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const before = await worker.sample(sampleParams(modelId));
      await train(context, modelId);
      const published = await worker.publishWeights({ modelId, weightsVersion: 9 });
      expect.equal('weightsVersion of publish_weights as version 9', published.weightsVersion, 9);
      const after = await worker.sample(sampleParams(modelId, { weightsVersion: 9 }));
      expect.equal('weightsVersion of a sample after it', after.weightsVersion, 9);
      expect.differs('log-probs of samples after it', Array.from(after.logprobs), Array.from(before.logprobs));
      const next = await worker.publishWeights({ modelId });
      expect.equal('weightsVersion of publish_weights after it', next.weightsVersion, 10);
    },
  },
  {
    id: 'publish-repeated',
    title: 'publish_weights that is asked for twice under one version is done once',
    rule: 'publish_weights at the present version changes nothing and is answered with it, so it may be repeated.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      const publish = () => worker.publishWeights({ modelId, weightsVersion: 5 });
      const first = await publish();
      expect.equal('weightsVersion of publish_weights as version 5', first.weightsVersion, 5);
      const before = await worker.sample(sampleParams(modelId));
      expect.equal('weightsVersion of a sample', before.weightsVersion, 5);
      // Were it done again, samples would come from other weights now.
      await train(context, modelId);
      expect.equal('publish_weights as version 5 again', await publish(), first);
      expect.equal('samples after the repeat', await worker.sample(sampleParams(modelId)), before);
    },
  },
  {
    id: 'publish-below',
    title: 'publish_weights below the present version is stale_weights and changes nothing',
    rule: 'publish_weights below the present version fails with stale_weights.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const modelId = await context.load();
      await worker.publishWeights({ modelId, weightsVersion: 5 });
      const before = await worker.sample(sampleParams(modelId));
      await train(context, modelId);
      const below = worker.publishWeights({ modelId, weightsVersion: 4 });
      await failsAsStale('publish_weights as version 4 at version 5', below, 4, 5);
      expect.equal('samples after what was refused', await worker.sample(sampleParams(modelId)), before);
    },
  },
  {
    id: 'checkpoint-version',
    title: 'load_checkpoint gives the version that was asked for, also one below, and else one more',
    rule: 'load_checkpoint publishes the weights under the version it is given, whatever the present one; absent: one more.',
    where: WHERE,
    needs: NEEDS,
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
        const subject = asked === undefined ? 'load_checkpoint without a version' : `load_checkpoint as ${asked}`;
        const params = { modelId, path, ...(asked !== undefined && { weightsVersion: asked }) };
        const { weightsVersion } = await worker.loadCheckpoint(params);
        expect.equal(`weightsVersion of ${subject}`, weightsVersion, version);
        const drawn = await worker.sample(sampleParams(modelId, { weightsVersion: version }));
        expect.equal(`samples after ${subject}`, drawn, { ...saved, weightsVersion: version });
      }
    },
  },
  {
    id: 'checkpoint-missing',
    title: 'a checkpoint that cannot be loaded leaves weights and version',
    rule: 'A request that fails has changed nothing.',
    where: 'proto/README.md, Errors',
    needs: NEEDS,
    async run({ worker, load, folder }) {
      const modelId = await load();
      const before = await worker.sample(sampleParams(modelId));
      const path = join(folder, 'missing');
      const call = worker.loadCheckpoint({ modelId, path, weightsVersion: 7 });
      await expect.fails('load_checkpoint of what is not there', call, 'io_error', path);
      const after = await worker.sample(sampleParams(modelId, { weightsVersion: 0 }));
      expect.equal('samples of version 0 after it', after, before);
    },
  },
  {
    id: 'version-below-zero',
    title: 'a version below zero is invalid_request',
    rule: 'Versions count from 0: one below is refused with invalid_request that names the field.',
    where: 'proto/README.md, Ranges and limits',
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load();
      const weightsVersion = -1;
      const params: [string, object][] = [
        ['sample', sampleParams(modelId, { weightsVersion })],
        ['publish_weights', { modelId, weightsVersion }],
        ['load_checkpoint', { modelId, path: context.folder, weightsVersion }],
      ];
      for (const [verb, fields] of params) {
        const call = context.requester.request(verb, packMap(fields));
        await expect.fails(`${verb} of version -1`, call, 'invalid_request', 'weightsVersion');
      }
    },
  },
];
