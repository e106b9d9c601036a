import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { backward, withSamples } from '../gradients.ts';
import { adam, completionLogprobs, PROMPTS, sampleParams } from '../requests.ts';

const WHERE = 'proto/README.md, Sleep';

/** `sleep` and `wake`. On a worker without a device they free nothing, and all the rest must hold all the same. */
export const SLEEP: readonly Case[] = [
  {
    id: 'sleep-sample',
    title: 'a worker that slept samples as before, woken or not',
    rule: 'sleep leaves models and published weights; a verb that needs the role wakes it first.',
    where: WHERE,
    needs: ['sample'],
    async run(context) {
      const { worker } = context;
      const params = sampleParams(await context.load());
      const before = await worker.sample(params);
      await worker.sleep({ role: 'sample' });
      await worker.wake({ role: 'sample' });
      expect.equal('samples after sleep and wake', (await worker.sample(params)).tokens, before.tokens);
      await worker.sleep({ role: 'sample' });
      expect.equal('samples right after sleep', (await worker.sample(params)).tokens, before.tokens);
    },
  },
  {
    id: 'sleep-twice',
    title: 'sleep and wake may be repeated, and a role that sleeps has nothing more to free',
    rule: 'sleep frees 0 bytes where the role sleeps already; wake of a role that is awake does nothing.',
    where: WHERE,
    needs: [],
    async run(context) {
      const { worker } = context;
      const [role = 'sample'] = worker.hello.capabilities;
      await context.load({ trainable: role === 'train' });
      await worker.sleep({ role });
      const { freedBytes } = await worker.sleep({ role });
      expect.equal('freedBytes of the second sleep', freedBytes, 0);
      await worker.wake({ role });
      await worker.wake({ role });
    },
  },
  {
    id: 'sleep-train',
    title: 'gradient, moments and weights outlive a sleep',
    rule: 'sleep of the role train leaves what training goes on from: weights, the gradient so far, moments.',
    where: WHERE,
    needs: ['sample', 'train'],
    async run(context) {
      const { worker, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const train = async (id: string, between: () => Promise<unknown>): Promise<number[][]> => {
        for (const seq of [0, 2]) {
          await backward(context, id, sequences, { seq, advantages: [1, -1, 1] });
          await between();
          await worker.optimStep({ modelId: id, seq: seq + 1, adam: adam(context.learningRate) });
          await between();
        }
        return completionLogprobs(worker, id, sequences);
      };
      const awake = await train(modelId, async () => {});
      const slept = await train(await context.load(), () => worker.sleep({ role: 'train' }));
      expect.alike('log-probs after training that was put to sleep', slept, awake, tolerance);
    },
  },
  {
    id: 'sleep-publish',
    title: 'weights that are published while the sampling role sleeps are sampled from when it wakes',
    rule: 'publish_weights wakes what it needs; sample draws from what was published last.',
    where: WHERE,
    needs: ['sample', 'train'],
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      await backward(context, modelId, sequences, { seq: 0, advantages: [1, -1, 1] });
      await worker.sleep({ role: 'sample' });
      await worker.optimStep({ modelId, seq: 1, adam: adam(context.learningRate) });
      const { weightsVersion } = await worker.publishWeights({ modelId });
      await worker.sleep({ role: 'train' });
      const batch = await worker.sample(sampleParams(modelId));
      expect.equal('weightsVersion of the samples', batch.weightsVersion, weightsVersion);
      expect.equal('texts', batch.texts.length, PROMPTS.length);
    },
  },
];
