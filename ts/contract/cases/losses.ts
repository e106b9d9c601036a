import type { Case } from '../context.ts';
import * as expect from '../expect.ts';
import { backward, gradNorm, withSamples } from '../gradients.ts';
import { adam, completionLogprobs, sum } from '../requests.ts';

const NEEDS = ['sample', 'train'] as const;
const WHERE = 'proto/README.md, What the verbs compute';

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
  {
    id: 'kl-estimators',
    title: 'k1, k2 and k3 are each what they are called, in value and in slope',
    rule: 'With d = log ref - log policy, k1 = -d, k2 = d * d / 2 and k3 = e^d - d - 1; kl reports the one that is chosen.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const ref = shifted(own, -1);
      const norms: number[] = [];
      for (const [index, [klEstimator, value]] of (
        [
          ['k1', 1],
          ['k2', 0.5],
          ['k3', Math.exp(-1)],
        ] as const
      ).entries()) {
        const loss = { klCoef: 0.5, klEstimator };
        const made = { seq: 2 * index, advantages: [0, 0, 0], given: { ref }, loss };
        const result = await backward(context, modelId, sequences, made);
        expect.near(`kl by ${klEstimator} at d = -1`, result.kl, value, 3 * context.tolerance);
        const wanted = 0.05 * value * result.tokens; // over the normalizer 10
        expect.near(`loss of ${klEstimator} alone`, result.loss, wanted, context.tolerance * result.tokens);
        norms.push(await gradNorm(context, modelId, 2 * index + 1));
      }
      const [one, two, three] = norms as [number, number, number];
      expect.near('gradNorm of k2 over that of k1, at d = -1', two / one, 1, 0.005);
      expect.near('gradNorm of k3 over that of k1, at d = -1', three / one, 1 - Math.exp(-1), 0.005);
    },
  },
  {
    id: 'policy-gradient',
    title: 'policy_gradient is -A log p, whatever the ratio',
    rule: 'The loss policy_gradient of a token is -A log p; nothing of it is clipped, and the ratio is reported.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const made = { advantages: [1, 1, 1], loss: { name: 'policy_gradient' } as const };
      const given = { old: shifted(own, -1) };
      const result = await backward(context, modelId, sequences, { seq: 0, ...made, given });
      expect.near('loss', result.loss, -sum(own.flat()) / 10, context.tolerance * result.tokens);
      expect.equal('clipFraction at ratio e', result.clipFraction, 0);
      expect.near('ratioMean', result.ratioMean, Math.E, 0.005);
      const norm = await gradNorm(context, modelId, 1);
      await backward(context, modelId, sequences, { seq: 2, ...made });
      const again = await gradNorm(context, modelId, 3);
      expect.near('gradNorm at ratio e, over that at ratio 1', norm / again, 1, 10 * context.tolerance);
    },
  },
  {
    id: 'cispo',
    title: 'cispo clips the weight of a token and keeps its gradient',
    rule: 'The loss cispo of a token is -A clip(r) log p with the clipped ratio a constant: beyond the clip it has a gradient.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const plain = await backward(context, modelId, sequences, {
        seq: 0,
        advantages: [1, 1, 1],
        loss: POLICY_GRADIENT,
      });
      const norm = await gradNorm(context, modelId, 1);
      let seq = 2;
      // The bounds are 0.8 and 1.2; the dual clip means nothing here.
      for (const [log, advantage, weight] of [
        [1, 1, 1.2],
        [1, -1, 1.2],
        [-1, 1, 0.8],
        [0.1, 1, Math.exp(0.1)],
      ] as const) {
        const at = `at ratio e^${log}, advantage ${advantage}`;
        const given = { old: shifted(own, -log) };
        const loss = { name: 'cispo', dualClip: 1.1 } as const;
        const advantages = [advantage, advantage, advantage];
        const result = await backward(context, modelId, sequences, { seq, advantages, given, loss });
        expect.equal(`clipFraction ${at}`, result.clipFraction, Math.abs(log) === 1 ? 1 : 0);
        const wanted = advantage * weight * plain.loss;
        expect.near(`loss ${at}`, result.loss, wanted, 0.005 * Math.abs(plain.loss));
        const share = (await gradNorm(context, modelId, seq + 1)) / norm;
        expect.near(`gradNorm ${at}, over that of policy_gradient`, share, weight, 0.005);
        seq += 2;
      }
    },
  },
  {
    id: 'gspo',
    title: 'gspo has one ratio for a sequence, the geometric mean of its tokens',
    rule: 'The loss gspo is grpo with s = exp(mean of the log-ratios) for every token, whose gradient flows through all of them.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const plain = await backward(context, modelId, sequences, {
        seq: 0,
        advantages: [1, 1, 1],
        loss: POLICY_GRADIENT,
      });
      const norm = await gradNorm(context, modelId, 1);
      // All of the mean is in the first token of each sequence, whose own ratio is far out.
      const old = (mean: number) => own.map(([first = 0, ...rest]) => [first - mean * (1 + rest.length), ...rest]);
      const made = { advantages: [1, 1, 1], loss: { name: 'gspo' } as const };
      const inside = await backward(context, modelId, sequences, { seq: 2, ...made, given: { old: old(0.1) } });
      expect.near('ratioMean at a mean log-ratio of 0.1', inside.ratioMean, Math.exp(0.1), 0.005);
      expect.equal('clipFraction at a mean log-ratio of 0.1', inside.clipFraction, 0);
      // -A s a token, over the normalizer 10
      const wanted = -0.1 * Math.exp(0.1) * plain.tokens;
      expect.near('loss at a mean log-ratio of 0.1', inside.loss, wanted, 0.005 * Math.abs(wanted));
      const share = (await gradNorm(context, modelId, 3)) / norm;
      expect.near('gradNorm at it, over that of policy_gradient', share, Math.exp(0.1), 0.005);
      const outside = await backward(context, modelId, sequences, { seq: 4, ...made, given: { old: old(0.3) } });
      expect.equal('clipFraction at a mean log-ratio of 0.3', outside.clipFraction, 1);
      expect.equal('gradNorm at it', await gradNorm(context, modelId, 5), 0);
    },
  },
  {
    id: 'aggregation',
    title: 'by sequence, the loss is the sum of the means of the sequences',
    rule: 'With aggregation sequence a sequence counts as the mean of its trained tokens, with token as their sum.',
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const other = await context.load();
      const advantages = [1, -0.5, 2];
      const loss = { aggregation: 'sequence' } as const;
      const whole = await backward(context, modelId, sequences, { seq: 0, advantages, loss });
      // At ratio 1 a token costs -A, so a sequence does; over the normalizer 10.
      expect.near('loss by sequence', whole.loss, -0.25, context.tolerance);
      for (const [index, sequence] of sequences.entries()) {
        const made = { seq: index, advantages: [advantages[index] as number] };
        const normalizer = 10 * sequence.completion.length;
        await backward(context, other, [sequence], { ...made, normalizer });
      }
      const norm = await gradNorm(context, modelId, 1);
      const parts = await gradNorm(context, other, sequences.length);
      expect.near('gradNorm by sequence over that of each by token', norm / parts, 1, 10 * context.tolerance);
    },
  },
  {
    id: 'importance',
    title: 'importance sampling weighs the policy term by policy / sampler, truncated, and nothing else',
    rule: "With importanceCap C a token's policy term is multiplied by min(policy / sampler, C), which has no gradient.",
    where: WHERE,
    needs: NEEDS,
    async run(context) {
      const { modelId, sequences } = await withSamples(context);
      const own = await completionLogprobs(context.worker, modelId, sequences);
      const made = { advantages: [1, 1, 1], loss: { importanceCap: 2 } };
      const sampled = (weight: number) => ({ sampled: shifted(own, -Math.log(weight)) });
      const plain = await backward(context, modelId, sequences, { seq: 0, advantages: [1, 1, 1], given: sampled(1.5) });
      expect.equal('importanceMean at importanceCap 0', plain.importanceMean, 1);
      // k3 with d = log 1.5
      expect.near('samplerKl at importanceCap 0', plain.samplerKl, 0.5 - Math.log(1.5), 3 * context.tolerance);
      const norm = await gradNorm(context, modelId, 1);
      let seq = 2;
      for (const [ratio, weight, capped] of [
        [1.5, 1.5, 0],
        [0.5, 0.5, 0],
        [4, 2, 1],
      ] as const) {
        const at = `at policy / sampler ${ratio}, importanceCap 2`;
        const result = await backward(context, modelId, sequences, { seq, ...made, given: sampled(ratio) });
        expect.near(`importanceMean ${at}`, result.importanceMean, weight, 3 * context.tolerance);
        expect.equal(`importanceCapped ${at}`, result.importanceCapped, capped);
        expect.near(`loss ${at}`, result.loss / plain.loss, weight, 0.005);
        const share = (await gradNorm(context, modelId, seq + 1)) / norm;
        expect.near(`gradNorm ${at}, over that without`, share, weight, 0.005);
        seq += 2;
      }
      // The KL term is not weighed.
      const kl = { advantages: [0, 0, 0], given: { ...sampled(4), ref: shifted(own, -1) } };
      await backward(context, modelId, sequences, { seq, ...kl, loss: { klCoef: 0.5 } });
      const pull = await gradNorm(context, modelId, seq + 1);
      await backward(context, modelId, sequences, { seq: seq + 2, ...kl, loss: { klCoef: 0.5, importanceCap: 2 } });
      const weighed = await gradNorm(context, modelId, seq + 3);
      expect.near('gradNorm of the KL term with importanceCap 2, over that without', weighed / pull, 1, 0.005);
    },
  },
];

const POLICY_GRADIENT = { name: 'policy_gradient' } as const;

function shifted(logprobs: readonly number[][], by: number): number[][] {
  return logprobs.map((one) => one.map((logprob) => logprob + by));
}
