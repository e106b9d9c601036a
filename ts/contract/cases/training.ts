import type { Worker } from '../../ports/worker.ts';
import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { backward, gradNorm, proportional, withSamples } from '../gradients.ts';
import {
  adam,
  completionLogprobs,
  LOSS,
  type Sequence,
  sampleParams,
  sequencesOf,
  sum,
  trainBatch,
} from '../requests.ts';

const NEEDS = ['sample', 'train'] as const;

export const TRAINING: readonly Case[] = [
  {
    id: 'advantage-sign',
    title: 'a positive advantage raises a sequence, a negative one lowers it, zero leaves it',
    rule: 'A step makes what had a positive advantage likelier, what had a negative one less likely, and leaves the rest.',
    where: 'proto/protocol.yml, verbs.forward_backward',
    needs: NEEDS,
    async run(context) {
      for (const advantage of [1, -1, 0]) {
        const { modelId, sequences } = await withSamples(context);
        const [sequence] = sequences as [Sequence];
        const before = await completionLogprobs(context.worker, modelId, [sequence]);
        await backward(context, modelId, [sequence], { seq: 0, advantages: [advantage] });
        const step = { modelId, seq: 1, adam: adam(context.learningRate) };
        const { gradNorm: norm } = await context.worker.optimStep(step);
        const after = await completionLogprobs(context.worker, modelId, [sequence]);
        const change = sum(after.flat()) - sum(before.flat());
        const subject = `after a step at advantage ${advantage}: the change of the sequence's log-prob`;
        if (advantage === 0) {
          expect.equal('gradNorm at advantage 0', norm, 0);
          expect.equal('log-probs after a step at advantage 0', after, before);
        } else {
          expect.above(`gradNorm at advantage ${advantage}`, norm, 0);
          expect.above(`${subject}, times ${advantage}`, change * advantage, 10 * context.tolerance);
        }
      }
    },
  },
  {
    id: 'split-batch',
    title: 'splitting a batch at one normalizer leaves the step the same',
    rule: 'The caller gives the normalizer, so splitting a batch leaves the sum of gradients unchanged.',
    where: 'proto/protocol.yml, verbs.forward_backward',
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const other = await context.load();
      const [first, ...rest] = sequences as [Sequence, ...Sequence[]];
      await backward(context, modelId, sequences, { seq: 0, advantages: [1, -0.5, 2] });
      await backward(context, other, [first], { seq: 0, advantages: [1] });
      await backward(context, other, rest, { seq: 1, advantages: [-0.5, 2] });
      const whole = await context.worker.optimStep({ modelId, seq: 1, adam: proportional(context) });
      const parts = await context.worker.optimStep({ modelId: other, seq: 2, adam: proportional(context) });
      expect.near(
        'gradNorm of the parts over that of the whole',
        parts.gradNorm / whole.gradNorm,
        1,
        context.tolerance,
      );
      const moved = await completionLogprobs(context.worker, modelId, sequences);
      const alike = await completionLogprobs(context.worker, other, sequences);
      expect.alike('log-probs after the step in parts', alike, moved, context.tolerance);
    },
  },
  {
    id: 'normalizer',
    title: 'the gradient is divided by the normalizer, and is zero after a step',
    rule: 'forward_backward adds the gradient of the sum over the normalizer; optim_step leaves it zero.',
    where: 'proto/protocol.yml, verbs.optim_step',
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const advantages = [1, 1, 1];
      const one = await backward(context, modelId, sequences, { seq: 0, advantages, normalizer: 1 });
      const norm = await gradNorm(context, modelId, 1);
      const four = await backward(context, modelId, sequences, { seq: 2, advantages, normalizer: 4 });
      const quarter = await gradNorm(context, modelId, 3);
      expect.near('4 * gradNorm at normalizer 4 over that at 1', (4 * quarter) / norm, 1, context.tolerance);
      expect.near('4 * loss at normalizer 4', 4 * four.loss, one.loss, context.tolerance * Math.abs(one.loss));
      expect.equal('gradNorm right after a step', await gradNorm(context, modelId, 4), 0);
    },
  },
  {
    id: 'mask',
    title: 'only tokens under the mask are trained and counted',
    rule: 'Tokens are trained where the mask is 1, and nowhere else.',
    where: 'proto/protocol.yml, structs.TrainBatch',
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const batch = trainBatch(sequences, [1, 1, 1]);
      const tokens = batch.mask.reduce((total, bit) => total + bit, 0);
      const all = await backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1] });
      expect.equal('tokens that were trained', all.tokens, tokens);
      await gradNorm(context, modelId, 1);
      const none = { ...batch, mask: new Uint8Array(batch.mask.length) };
      const result = await context.worker.forwardBackward({ modelId, seq: 2, batch: none, loss: LOSS, normalizer: 1 });
      expect.equal('tokens under an empty mask', result.tokens, 0);
      expect.equal('loss under an empty mask', result.loss, 0);
      expect.equal('gradNorm under an empty mask', await gradNorm(context, modelId, 3), 0);
    },
  },
  {
    id: 'max-grad-norm',
    title: 'maxGradNorm scales the gradient down; the norm before that is reported',
    rule: 'A gradient whose global norm is above maxGradNorm is scaled down to it; gradNorm is the norm before that.',
    where: 'proto/protocol.yml, structs.Adam',
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(worker, modelId, sequences);
      await backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1] });
      const norm = await gradNorm(context, modelId, 1);
      const change: number[] = [];
      for (const maxGradNorm of [0, norm / 1e5]) {
        const fresh = await context.load();
        await backward(context, fresh, sequences, { seq: 0, advantages: [1, 1, 1] });
        const step = { ...proportional(context), maxGradNorm };
        const reported = await worker.optimStep({ modelId: fresh, seq: 1, adam: step });
        const subject = `gradNorm at maxGradNorm ${maxGradNorm}, over that of the gradient`;
        expect.near(subject, reported.gradNorm / norm, 1, context.tolerance);
        change.push(sum((await completionLogprobs(worker, fresh, sequences)).flat()) - sum(own.flat()));
      }
      const [free, bounded] = change as [number, number];
      expect.above('the change of log-probs by the whole gradient', free, 100 * context.tolerance);
      expect.below('their change by a hundred-thousandth of it', Math.abs(bounded), 0.1 * free);
    },
  },
  {
    id: 'models-apart',
    title: 'training one model leaves another bit-equal',
    rule: 'Models share no weights: what is done to one changes nothing in another.',
    where: 'proto/protocol.yml, verbs.load_model',
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      const bystander = await context.load();
      const logprobs = await completionLogprobs(worker, bystander, sequences);
      const samples = await worker.sample(sampleParams(bystander));
      await backward(context, modelId, sequences, { seq: 0, advantages: [1, -1, 1] });
      await worker.optimStep({ modelId, seq: 1, adam: adam(context.learningRate) });
      await worker.publishWeights({ modelId });
      const after = await completionLogprobs(worker, bystander, sequences);
      expect.equal('log-probs of the other model', after, logprobs);
      expect.equal('samples of the other model', await worker.sample(sampleParams(bystander)), samples);
    },
  },
  {
    id: 'two-models',
    title: 'two models at once, called by turns, are as each alone',
    rule: 'Models are loaded side by side, and each request is answered from the one it names.',
    where: 'proto/protocol.yml, verbs.load_model',
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const first = sampleParams(await context.load(), { n: 3 });
      const alone = await worker.sample(first);
      const other = await context.load();
      await backward(context, other, sequencesOf(alone).slice(0, 3), { seq: 0, advantages: [1, -1, 1] });
      await worker.optimStep({ modelId: other, seq: 1, adam: adam(context.learningRate) });
      await worker.publishWeights({ modelId: other, weightsVersion: 3 });
      const second = { ...first, modelId: other };
      const moved = await worker.sample(second);
      expect.differs('log-probs of the model that was trained', Array.from(moved.logprobs), Array.from(alone.logprobs));
      const turns = await Promise.all([first, second, first, second].map((params) => worker.sample(params)));
      expect.equal('samples of both by turns', turns, [alone, moved, alone, moved]);
    },
  },
  {
    id: 'training-options',
    title: 'how a model is trained decides what that costs, not what comes of it',
    rule: 'packTokens and recompute change neither losses nor gradients.',
    where: 'proto/protocol.yml, structs.Training',
    needs: NEEDS,
    async run(context) {
      const { worker, source, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const advantages = [1, -0.5, 2];
      const wanted = await backward(context, modelId, sequences, { seq: 0, advantages });
      const norm = await gradNorm(context, modelId, 1);
      const other = 'packed';
      // So few tokens at once that each sequence is computed alone.
      const training = { packTokens: 1, recompute: true, offload: false, loraRank: 0, loraAlpha: 1 };
      await worker.loadModel({ modelId: other, source, trainable: true, training, seed: 7 });
      const result = await backward(context, other, sequences, { seq: 0, advantages });
      expect.near('loss', result.loss, wanted.loss, tolerance);
      expect.near('entropy', result.entropy, wanted.entropy, tolerance);
      expect.near('gradNorm over that without', (await gradNorm(context, other, 1)) / norm, 1, 10 * tolerance);
      await worker.unloadModel({ modelId: other });
    },
  },
  {
    id: 'not-finite',
    title: 'a loss that is not finite is not_finite, and is as if never asked for',
    rule: 'forward_backward whose loss or gradient is NaN or infinite fails with not_finite that names the sequences.',
    where: 'proto/README.md, Errors',
    needs: NEEDS,
    async run(context) {
      const { worker, tolerance } = context;
      const { modelId, sequences } = await withSamples(context);
      const other = await context.load();
      const good = { seq: 0, advantages: [1, -0.5, 2] };
      await backward(context, modelId, sequences, good);
      await backward(context, other, sequences, good);
      const bad = { seq: 1, advantages: [1, 3e38, 1], normalizer: 1e-300 };
      const call = backward(context, other, sequences, bad);
      await expect.fails('forward_backward at advantage 3e38, normalizer 1e-300', call, 'not_finite', /\b1\b/);
      const kept = await checksum(worker, other);
      expect.equal('the checksum of the weights after it', kept, await checksum(worker, modelId));
      const steps = [];
      for (const id of [modelId, other]) {
        steps.push(await worker.optimStep({ modelId: id, seq: 1, adam: proportional(context) }));
      }
      const [wanted, seen] = steps.map(({ gradNorm }) => gradNorm) as [number, number];
      expect.near('gradNorm after what failed, over that without it', seen / wanted, 1, tolerance);
      const logprobs = await completionLogprobs(worker, other, sequences);
      const alike = await completionLogprobs(worker, modelId, sequences);
      expect.alike('log-probs after the step', logprobs, alike, tolerance);
    },
  },
  {
    id: 'not-finite-step',
    title: 'a gradient that no step can be taken on is dropped, and training goes on',
    rule: 'optim_step on a gradient whose norm is not finite fails with not_finite; weights stay, the gradient is zero.',
    where: 'proto/README.md, Errors',
    needs: NEEDS,
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      const before = await completionLogprobs(worker, modelId, sequences);
      const weights = await checksum(worker, modelId);
      // Finite in 64 bits, its square is not; in 32 bits the gradient itself is infinite.
      const made = { seq: 0, advantages: [1, -1, 1], normalizer: 1e-200 };
      const pass = await backward(context, modelId, sequences, made).catch((error: unknown) => error);
      if (pass instanceof Error) {
        await expect.fails('forward_backward at normalizer 1e-200', Promise.reject(pass), 'not_finite');
      } else {
        const step = worker.optimStep({ modelId, seq: 1, adam: adam(context.learningRate) });
        await expect.fails('optim_step on its gradient', step, 'not_finite');
      }
      expect.equal('gradNorm after it', await gradNorm(context, modelId, 1), 0);
      const after = await completionLogprobs(worker, modelId, sequences);
      expect.equal('log-probs after it', after, before);
      expect.equal('the checksum of the weights after it', await checksum(worker, modelId), weights);
    },
  },
  {
    id: 'not-trainable',
    title: 'gradient verbs on a model that is not trainable are not_trainable',
    rule: 'A gradient verb on a model that was loaded with trainable: false fails with not_trainable.',
    where: 'proto/README.md, Errors',
    needs: NEEDS,
    async run(context) {
      const modelId = await context.load({ trainable: false });
      const sequences = sequencesOf(await context.worker.sample(sampleParams(modelId)));
      await completionLogprobs(context.worker, modelId, sequences);
      const gradient = backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1] });
      await expect.fails('forward_backward', gradient, 'not_trainable');
      const step = context.worker.optimStep({ modelId, seq: 0, adam: adam(0.1) });
      await expect.fails('optim_step', step, 'not_trainable');
    },
  },
];

/** What the trained weights are known by, once they are published. */
async function checksum(worker: Worker, modelId: string): Promise<string> {
  return (await worker.publishWeights({ modelId })).proof.checksum;
}
