import type { Credit, CreditRule } from '../domain/advantage.ts';
import { attachRefLogprobs, toTrainBatches } from '../domain/datum.ts';
import type { PhaseSettings } from '../domain/settings.ts';
import { mean } from '../domain/statistics.ts';
import type { Worker } from '../ports/worker.ts';
import type { CallOptions, SampleBatch, TrainBatch } from '../protocol/generated.ts';
import type { LoopContext } from './context.ts';

/** A policy in training: the worker's names for it and for its frozen start, and its step counter. */
export interface Policy {
  modelId: string;
  /** The anchor of the KL term; absent when `klCoef` is 0. */
  referenceId?: string;
  /** What the anchor takes over of the policy after each update, in (0, 1]; absent where it stands still. */
  referenceShare?: number;
  /** Number for the next gradient verb; the worker applies each number once. */
  seq: number;
}

/**
 * Load `source` as a policy to train, with its KL anchor (`roles.anchor`): a copy that stands still or that follows
 * the policy, or the base model. A phase always starts with a fresh optimiser: R-Zero hands over weights, never
 * optimiser state.
 */
export async function loadPolicy(
  { worker, settings, signal }: LoopContext,
  modelId: string,
  source: string,
  phase: PhaseSettings,
): Promise<Policy> {
  const { seed, model, roles } = settings;
  await worker.loadModel({ modelId, source, trainable: true, seed }, { signal });
  if (phase.klCoef === 0) return { modelId, seq: 1 };
  const referenceId = `${modelId}-reference`;
  const anchor = roles.anchor === 'base' ? model : source;
  await worker.loadModel({ modelId: referenceId, source: anchor, trainable: false, seed }, { signal });
  const follows = roles.anchor === 'ema' ? { referenceShare: 1 - roles.anchorDecay } : {};
  return { modelId, referenceId, ...follows, seq: 1 };
}

/** Free a policy and its anchor. */
export async function unloadPolicy(worker: Worker, policy: Policy, options: CallOptions): Promise<void> {
  await worker.unloadModel({ modelId: policy.modelId }, options);
  if (policy.referenceId !== undefined) await worker.unloadModel({ modelId: policy.referenceId }, options);
}

/**
 * One GRPO step on a batch of samples: `prompts * rollouts / miniBatch` updates, then publish.
 *
 * The loss of an update is averaged over its trained tokens. With a single update the old policy is the
 * current one and the ratio is exactly 1; with several, old log-probs are computed once by the
 * trainer before the first of them, so sampler and trainer numerics never mix.
 *
 * @param advantages one a sample, in the batch's order
 * @param order the samples that are trained, in this order; without any, nothing is updated
 * @returns means over the updates
 */
export async function updatePolicy(
  worker: Worker,
  policy: Policy,
  samples: SampleBatch,
  advantages: Float32Array,
  settings: PhaseSettings,
  order: readonly number[],
  options: CallOptions,
): Promise<Record<string, number>> {
  const { modelId } = policy;
  const temperature = settings.sampling.temperature;
  const loss = {
    name: 'grpo',
    clipLow: settings.clipLow,
    clipHigh: settings.clipHigh,
    dualClip: settings.dualClip,
    klCoef: settings.klCoef,
    temperature,
  } as const;
  const logprobsOf = async (id: string, batch: TrainBatch): Promise<Float32Array> =>
    (await worker.forward({ modelId: id, tokens: batch.tokens, lengths: batch.lengths, temperature }, options))
      .logprobs;

  const updates = toTrainBatches(samples, advantages, settings.rollouts, {
    miniBatch: settings.miniBatch,
    order,
    oldLogprobs: 'own',
  });
  if (updates.length > 1) {
    for (const update of updates) update.batch.oldLogprobs = await logprobsOf(modelId, update.batch);
  }

  const reports: { kl: number; entropy: number; clipFraction: number; gradNorm: number; loss: number }[] = [];
  for (const { batch, trainedTokens } of updates) {
    const data =
      policy.referenceId === undefined ? batch : attachRefLogprobs(batch, await logprobsOf(policy.referenceId, batch));
    const pass = await worker.forwardBackward(
      { modelId, seq: policy.seq++, batch: data, loss, normalizer: trainedTokens },
      options,
    );
    const { gradNorm } = await worker.optimStep({ modelId, seq: policy.seq++, adam: settings.optimizer }, options);
    if (policy.referenceId !== undefined && policy.referenceShare !== undefined) {
      await worker.averageWeights(
        { modelId: policy.referenceId, towards: modelId, share: policy.referenceShare },
        options,
      );
    }
    reports.push({ ...pass, gradNorm });
  }
  const { weightsVersion } = await worker.publishWeights({ modelId }, options);
  const average = (key: keyof (typeof reports)[number]) => mean(reports.map((report) => report[key]));
  const meanLength = mean(Array.from(samples.lengths));
  if (reports.length === 0) return { updates: 0, meanLength, weightsVersion };
  return {
    updates: reports.length,
    loss: average('loss'),
    kl: average('kl'),
    entropy: average('entropy'),
    clipFraction: average('clipFraction'),
    gradNorm: average('gradNorm'),
    meanLength,
    weightsVersion,
  };
}

/** Metrics of what `credit` changed: groups without a difference where they are dropped, samples cut off where that matters. */
export function creditMetrics(
  rule: CreditRule,
  { flatGroups, overlong }: Pick<Credit, 'flatGroups' | 'overlong'>,
  groups: number,
): Record<string, number> {
  return {
    ...(rule.zeroVariance === 'drop' ? { droppedGroups: flatGroups / groups } : {}),
    ...(rule.overlong === 'keep' ? {} : { overlong }),
  };
}
