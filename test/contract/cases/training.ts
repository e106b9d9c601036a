import { expect } from '@jest/globals';
import type { ForwardBackwardResult, LossSpec } from '../../../ts/protocol/generated.ts';
import type { Case, Context } from '../context.ts';
import {
  adam,
  completionLogprobs,
  distance,
  LOSS,
  type Sequence,
  sampleParams,
  sequencesOf,
  sum,
  trainBatch,
} from '../requests.ts';

interface Made {
  seq: number;
  advantages: readonly number[];
  given?: { old?: readonly number[][]; ref?: readonly number[][] };
  loss?: Partial<LossSpec>;
  normalizer?: number;
}

/** `forward_backward` over the sequences' completions. */
function backward(
  { worker }: Context,
  modelId: string,
  sequences: readonly Sequence[],
  made: Made,
): Promise<ForwardBackwardResult> {
  return worker.forwardBackward({
    modelId,
    seq: made.seq,
    batch: trainBatch(sequences, made.advantages, made.given),
    loss: { ...LOSS, ...made.loss },
    normalizer: made.normalizer ?? 10,
  });
}

/** The gradient's norm, without moving the weights. */
async function gradNorm({ worker }: Context, modelId: string, seq: number): Promise<number> {
  return (await worker.optimStep({ modelId, seq, adam: adam(0) })).gradNorm;
}

/** A model and three of its samples. */
async function withSamples(context: Context): Promise<{ modelId: string; sequences: Sequence[] }> {
  const modelId = await context.load();
  const sequences = sequencesOf(await context.worker.sample(sampleParams(modelId)));
  return { modelId, sequences };
}

/** Adam with so large an epsilon that a step is proportional to the gradient, not to its sign. */
function proportional(context: Context) {
  return adam(context.learningRate * 100, { epsilon: 10 });
}

export const TRAINING: readonly Case[] = [
  {
    name: 'a positive advantage raises a sequence, a negative one lowers it, zero leaves it',
    async run(context) {
      for (const advantage of [1, -1, 0]) {
        const { modelId, sequences } = await withSamples(context);
        const [sequence] = sequences as [Sequence];
        const before = await completionLogprobs(context.worker, modelId, [sequence]);
        await backward(context, modelId, [sequence], { seq: 0, advantages: [advantage] });
        const { gradNorm: norm } = await context.worker.optimStep({
          modelId,
          seq: 1,
          adam: adam(context.learningRate),
        });
        const after = await completionLogprobs(context.worker, modelId, [sequence]);
        const change = sum(after.flat()) - sum(before.flat());
        if (advantage === 0) {
          expect(norm).toBe(0);
          expect(after).toEqual(before);
        } else {
          expect(norm).toBeGreaterThan(0);
          expect(Math.sign(change)).toBe(advantage);
          expect(Math.abs(change)).toBeGreaterThan(10 * context.tolerance);
        }
      }
    },
  },
  {
    name: 'splitting a batch at one normalizer leaves the step the same',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const other = await context.load();
      const [first, ...rest] = sequences as [Sequence, ...Sequence[]];
      await backward(context, modelId, sequences, { seq: 0, advantages: [1, -0.5, 2] });
      await backward(context, other, [first], { seq: 0, advantages: [1] });
      await backward(context, other, rest, { seq: 1, advantages: [-0.5, 2] });
      const whole = await context.worker.optimStep({ modelId, seq: 1, adam: proportional(context) });
      const parts = await context.worker.optimStep({ modelId: other, seq: 2, adam: proportional(context) });
      expect(Math.abs(parts.gradNorm / whole.gradNorm - 1)).toBeLessThanOrEqual(context.tolerance);
      const moved = await completionLogprobs(context.worker, modelId, sequences);
      const alike = await completionLogprobs(context.worker, other, sequences);
      expect(distance(moved, alike)).toBeLessThanOrEqual(context.tolerance);
    },
  },
  {
    name: 'the gradient is divided by the normalizer, and is zero after a step',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const advantages = [1, 1, 1];
      const one = await backward(context, modelId, sequences, { seq: 0, advantages, normalizer: 1 });
      const norm = await gradNorm(context, modelId, 1);
      const four = await backward(context, modelId, sequences, { seq: 2, advantages, normalizer: 4 });
      const quarter = await gradNorm(context, modelId, 3);
      expect(Math.abs((4 * quarter) / norm - 1)).toBeLessThanOrEqual(context.tolerance);
      expect(Math.abs(4 * four.loss - one.loss)).toBeLessThanOrEqual(context.tolerance * Math.abs(one.loss));
      expect(await gradNorm(context, modelId, 4)).toBe(0);
    },
  },
  {
    name: 'only tokens under the mask are trained and counted',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const batch = trainBatch(sequences, [1, 1, 1]);
      const tokens = batch.mask.reduce((total, bit) => total + bit, 0);
      const all = await backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1] });
      expect(all.tokens).toBe(tokens);
      await gradNorm(context, modelId, 1);
      const none = { ...batch, mask: new Uint8Array(batch.mask.length) };
      const result = await context.worker.forwardBackward({ modelId, seq: 2, batch: none, loss: LOSS, normalizer: 1 });
      expect(result).toMatchObject({ tokens: 0, loss: 0 });
      expect(await gradNorm(context, modelId, 3)).toBe(0);
    },
  },
  {
    name: 'on its own samples the ratio is 1, nothing is clipped and the KL to itself is 0',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const given = { old: own, ref: own };
      const made = { advantages: [1, -1, 1], given, loss: { klCoef: 0.1 } };
      const result = await backward(context, modelId, sequences, { seq: 0, ...made });
      expect(Math.abs(result.ratioMean - 1)).toBeLessThanOrEqual(context.tolerance);
      expect(result.clipFraction).toBe(0);
      expect(Math.abs(result.kl)).toBeLessThanOrEqual(context.tolerance);
      expect(result.entropy).toBeGreaterThan(0);
      // Without oldLogprobs the policy's own are meant.
      const norm = await gradNorm(context, modelId, 1);
      await backward(context, modelId, sequences, { seq: 2, advantages: [1, -1, 1] });
      expect(Math.abs((await gradNorm(context, modelId, 3)) / norm - 1)).toBeLessThanOrEqual(100 * context.tolerance);
    },
  },
  {
    name: 'a ratio beyond the clip has a gradient only for the advantage that pulls it back',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      // Each token is e times as likely as when it was sampled: ratio 2.718, the bound is 1.2.
      const old = own.map((logprobs) => logprobs.map((logprob) => logprob - 1));
      const rewarded = await backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1], given: { old } });
      expect(rewarded.clipFraction).toBe(1);
      expect(rewarded.ratioMean).toBeCloseTo(Math.E, 2);
      // -A * 1.2 a token, over the normalizer 10
      expect(rewarded.loss).toBeCloseTo(-0.12 * rewarded.tokens, 4);
      expect(await gradNorm(context, modelId, 1)).toBe(0);
      const punished = await backward(context, modelId, sequences, {
        seq: 2,
        advantages: [-1, -1, -1],
        given: { old },
      });
      expect(punished.clipFraction).toBe(0);
      expect(await gradNorm(context, modelId, 3)).toBeGreaterThan(0);
      // ... unless the dual clip bounds what a negative advantage may cost: 2 < 2.718.
      const loss = { dualClip: 2 };
      const bounded = await backward(context, modelId, sequences, {
        seq: 4,
        advantages: [-1, -1, -1],
        given: { old },
        loss,
      });
      expect(bounded.clipFraction).toBe(1);
      expect(bounded.loss).toBeCloseTo(0.2 * bounded.tokens, 4);
      expect(await gradNorm(context, modelId, 5)).toBe(0);
    },
  },
  {
    name: 'the KL term is k3, and pulls towards the reference',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const ref = own.map((logprobs) => logprobs.map((logprob) => logprob - 1));
      const made = { advantages: [0, 0, 0], given: { ref }, loss: { klCoef: 0.5 } };
      const result = await backward(context, modelId, sequences, { seq: 0, ...made });
      // d = log ref - log new = -1: e^-1 + 1 - 1
      expect(Math.abs(result.kl - Math.exp(-1))).toBeLessThanOrEqual(context.tolerance);
      await context.worker.optimStep({ modelId, seq: 1, adam: adam(context.learningRate) });
      const after = await completionLogprobs(context.worker, modelId, sequences);
      expect(sum(after.flat())).toBeLessThan(sum(own.flat()));
    },
  },
  {
    name: 'a seq that repeats is answered, not executed again',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const made = { seq: 0, advantages: [1, -1, 1] };
      const first = await backward(context, modelId, sequences, made);
      expect(await backward(context, modelId, sequences, made)).toEqual(first);
      const step = { modelId, seq: 1, adam: adam(context.learningRate) };
      const norm = await context.worker.optimStep(step);
      const once = await completionLogprobs(context.worker, modelId, sequences);
      expect(await context.worker.optimStep(step)).toEqual(norm);
      expect(await completionLogprobs(context.worker, modelId, sequences)).toEqual(once);

      const other = await context.load();
      await backward(context, other, sequences, made);
      // Had the repeat been added, the norm would have been twice this one.
      expect(Math.abs((await gradNorm(context, other, 1)) / norm.gradNorm - 1)).toBeLessThanOrEqual(context.tolerance);
    },
  },
  {
    name: 'a seq with another payload is sequence_conflict and changes nothing',
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      await backward(context, modelId, sequences, { seq: 5, advantages: [1, -1, 1] });
      const conflict = { code: 'sequence_conflict' };
      await expect(backward(context, modelId, sequences, { seq: 5, advantages: [1, 1, 1] })).rejects.toMatchObject(
        conflict,
      );
      const { worker } = context;
      await expect(worker.optimStep({ modelId, seq: 5, adam: adam(0) })).rejects.toMatchObject(conflict);
      await worker.optimStep({ modelId, seq: 6, adam: adam(0) });
      await expect(worker.optimStep({ modelId, seq: 6, adam: adam(0.1) })).rejects.toMatchObject(conflict);
      const own = sequences.map(({ logprobs }) => logprobs);
      expect(distance(await completionLogprobs(worker, modelId, sequences), own)).toBeLessThanOrEqual(
        context.tolerance,
      );
    },
  },
  {
    name: 'maxGradNorm scales the gradient down; the norm before that is reported',
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
        expect(Math.abs(reported.gradNorm / norm - 1)).toBeLessThanOrEqual(context.tolerance);
        change.push(sum((await completionLogprobs(worker, fresh, sequences)).flat()) - sum(own.flat()));
      }
      const [free, bounded] = change as [number, number];
      expect(free).toBeGreaterThan(100 * context.tolerance);
      expect(Math.abs(bounded)).toBeLessThan(0.1 * free);
    },
  },
  {
    name: 'training one model leaves another bit-equal',
    async run(context) {
      const { worker } = context;
      const { modelId, sequences } = await withSamples(context);
      const bystander = await context.load();
      const logprobs = await completionLogprobs(worker, bystander, sequences);
      const samples = await worker.sample(sampleParams(bystander));
      await backward(context, modelId, sequences, { seq: 0, advantages: [1, -1, 1] });
      await worker.optimStep({ modelId, seq: 1, adam: adam(context.learningRate) });
      await worker.publishWeights({ modelId });
      expect(await completionLogprobs(worker, bystander, sequences)).toEqual(logprobs);
      expect(await worker.sample(sampleParams(bystander))).toEqual(samples);
    },
  },
  {
    name: 'gradient verbs on a model that is not trainable are not_trainable',
    async run(context) {
      const modelId = await context.load({ trainable: false });
      const sequences = sequencesOf(await context.worker.sample(sampleParams(modelId)));
      await completionLogprobs(context.worker, modelId, sequences);
      const refused = { code: 'not_trainable' };
      const call = backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1] });
      await expect(call).rejects.toMatchObject(refused);
      await expect(context.worker.optimStep({ modelId, seq: 0, adam: adam(0.1) })).rejects.toMatchObject(refused);
    },
  },
];
