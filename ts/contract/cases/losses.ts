import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { backward, gradNorm, withSamples } from '../gradients.ts';
import { adam, completionLogprobs, sum } from '../requests.ts';

const NEEDS = ['sample', 'train'] as const;

export const LOSSES: readonly Case[] = [
  {
    id: 'on-policy',
    title: 'on its own samples the ratio is 1, nothing is clipped and the KL to itself is 0',
    rule: "Ratio and KL compare the policy with what is given; absent oldLogprobs are the policy's own.",
    where: 'proto/protocol.yml, structs.TrainBatch',
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const given = { old: own, ref: own };
      const made = { advantages: [1, -1, 1], given, loss: { klCoef: 0.1 } };
      const result = await backward(context, modelId, sequences, { seq: 0, ...made });
      expect.near('ratioMean', result.ratioMean, 1, context.tolerance);
      expect.equal('clipFraction', result.clipFraction, 0);
      expect.near('kl', result.kl, 0, context.tolerance);
      expect.above('entropy', result.entropy, 0);
      // Without oldLogprobs the policy's own are meant.
      const norm = await gradNorm(context, modelId, 1);
      await backward(context, modelId, sequences, { seq: 2, advantages: [1, -1, 1] });
      const again = await gradNorm(context, modelId, 3);
      expect.near('gradNorm without oldLogprobs, over that with them', again / norm, 1, 100 * context.tolerance);
    },
  },
  {
    id: 'clip',
    title: 'a ratio beyond the clip has a gradient only for the advantage that pulls it back',
    rule: 'The ratio is clipped at 1 + clipHigh; dualClip bounds what a negative advantage may cost.',
    where: 'proto/protocol.yml, structs.LossSpec',
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      // Each token is e times as likely as when it was sampled: ratio 2.718, the bound is 1.2.
      const old = own.map((logprobs) => logprobs.map((logprob) => logprob - 1));
      const given = { old };
      const rewarded = await backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1], given });
      expect.equal('clipFraction at ratio e, advantage 1', rewarded.clipFraction, 1);
      expect.near('ratioMean', rewarded.ratioMean, Math.E, 0.005);
      // -A * 1.2 a token, over the normalizer 10
      expect.near('loss at ratio e, advantage 1', rewarded.loss, -0.12 * rewarded.tokens, 5e-5);
      expect.equal('gradNorm at ratio e, advantage 1', await gradNorm(context, modelId, 1), 0);
      const advantages = [-1, -1, -1];
      const punished = await backward(context, modelId, sequences, { seq: 2, advantages, given });
      expect.equal('clipFraction at ratio e, advantage -1', punished.clipFraction, 0);
      expect.above('gradNorm at ratio e, advantage -1', await gradNorm(context, modelId, 3), 0);
      // ... unless the dual clip bounds what a negative advantage may cost: 2 < 2.718.
      const loss = { dualClip: 2 };
      const bounded = await backward(context, modelId, sequences, { seq: 4, advantages, given, loss });
      expect.equal('clipFraction at ratio e, advantage -1, dualClip 2', bounded.clipFraction, 1);
      expect.near('loss under dualClip 2', bounded.loss, 0.2 * bounded.tokens, 5e-5);
      expect.equal('gradNorm under dualClip 2', await gradNorm(context, modelId, 5), 0);
    },
  },
  {
    id: 'kl',
    title: 'the KL term is k3, and pulls towards the reference',
    rule: 'kl is the mean of k3 = e^d - d - 1 with d = log ref - log policy, and klCoef is its weight in the loss.',
    where: 'proto/protocol.yml, structs.LossSpec',
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const ref = own.map((logprobs) => logprobs.map((logprob) => logprob - 1));
      const made = { advantages: [0, 0, 0], given: { ref }, loss: { klCoef: 0.5 } };
      const result = await backward(context, modelId, sequences, { seq: 0, ...made });
      // d = log ref - log new = -1: e^-1 + 1 - 1
      expect.near('kl at d = -1', result.kl, Math.exp(-1), context.tolerance);
      await context.worker.optimStep({ modelId, seq: 1, adam: adam(context.learningRate) });
      const after = await completionLogprobs(context.worker, modelId, sequences);
      const subject = 'the log-prob of the samples after a step towards a reference that has them less likely';
      expect.below(subject, sum(after.flat()), sum(own.flat()));
    },
  },
];
