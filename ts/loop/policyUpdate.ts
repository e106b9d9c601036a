import type { Credit, CreditRule } from '../domain/advantage.ts';
import { attachRefLogprobs, type TrainStep, toTrainBatches } from '../domain/datum.ts';
import type { PhaseSettings } from '../domain/settings.ts';
import { mean } from '../domain/statistics.ts';
import type { Worker } from '../ports/worker.ts';
import type {
  CallOptions,
  ForwardBackwardResult,
  LossSpec,
  OptimStepResult,
  SampleBatch,
  TrainBatch,
} from '../protocol/generated.ts';
import type { LoopContext } from './context.ts';
import { TrainingDiverged } from './errors.ts';
import { failedWith } from './workerFailure.ts';

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
  const { seed, model, roles, trainer } = settings;
  await worker.loadModel({ modelId, source, trainable: true, training: trainer, seed }, { signal });
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

/** One training step of a phase: which it is, and who hears of what went wrong in it. */
export interface StepScope {
  signal?: AbortSignal;
  step: number;
  warn(message: string): void;
}

type Report = ForwardBackwardResult & OptimStepResult;

/**
 * One training step on a batch of samples: `prompts * rollouts / miniBatch` updates, then publish.
 *
 * `settings.aggregation` says what the loss of an update is a mean of. With a single update the old policy is the
 * current one and the ratio is exactly 1; with several, old log-probs are computed once by the trainer before the
 * first of them, so sampler and trainer numerics never mix in the ratio. How far the two are apart is what the
 * importance weights are for.
 *
 * An update whose loss or gradient is not finite is skipped, with a warning.
 *
 * @param advantages one a sample, in the batch's order
 * @param order the samples that are trained, in this order; without any, nothing is updated
 * @returns means over the updates
 * @throws TrainingDiverged where all of them had to be skipped
 */
export async function updatePolicy(
  worker: Worker,
  policy: Policy,
  samples: SampleBatch,
  advantages: Float32Array,
  settings: PhaseSettings,
  order: readonly number[],
  { step, warn, ...options }: StepScope,
): Promise<Record<string, number>> {
  const { modelId } = policy;
  const { temperature } = settings.sampling;
  const logprobsOf = async (id: string, { tokens, lengths, mask }: TrainBatch): Promise<Float32Array> => {
    const forward = () => worker.forward({ modelId: id, tokens, lengths, mask, temperature }, options);
    return (await inLessMemory(forward)).logprobs;
  };

  const updates = toTrainBatches(samples, advantages, settings.rollouts, {
    miniBatch: settings.miniBatch,
    order,
    oldLogprobs: 'own',
    sampleLogprobs: settings.importanceCap > 0,
  });
  if (updates.length > 1) {
    for (const update of updates) update.batch.oldLogprobs = await logprobsOf(modelId, update.batch);
  }

  const reports: Report[] = [];
  let skipped = '';
  for (const [index, update] of updates.entries()) {
    const { batch } = update;
    const data =
      policy.referenceId === undefined ? batch : attachRefLogprobs(batch, await logprobsOf(policy.referenceId, batch));
    try {
      reports.push(await updateOnce(worker, policy, { ...update, batch: data }, settings, options));
    } catch (error) {
      if (!failedWith(error, 'not_finite')) throw error;
      skipped = error.message;
      warn(`step ${step}: update ${index + 1} of ${updates.length} was skipped: ${skipped}`);
      continue;
    }
    if (policy.referenceId !== undefined && policy.referenceShare !== undefined) {
      await worker.averageWeights(
        { modelId: policy.referenceId, towards: modelId, share: policy.referenceShare },
        options,
      );
    }
  }
  if (updates.length > 0 && reports.length === 0) {
    const option = { name: `${modelId}.optimizer.learningRate`, value: settings.optimizer.learningRate };
    throw new TrainingDiverged(`${modelId}, step ${step}`, updates.length, option, skipped);
  }
  const { weightsVersion } = await worker.publishWeights({ modelId }, options);
  const average = (key: keyof Report) => mean(reports.map((report) => report[key]));
  const meanLength = mean(Array.from(samples.lengths));
  if (reports.length === 0) return { updates: 0, meanLength, weightsVersion };
  return {
    updates: reports.length,
    skippedUpdates: updates.length - reports.length,
    loss: average('loss'),
    kl: average('kl'),
    entropy: average('entropy'),
    clipFraction: average('clipFraction'),
    importanceMean: average('importanceMean'),
    importanceCapped: average('importanceCapped'),
    samplerKl: average('samplerKl'),
    gradNorm: average('gradNorm'),
    meanLength,
    weightsVersion,
  };
}

/** @throws what the worker says; after `not_finite` its gradient is zero and its weights are as they were */
async function updateOnce(
  worker: Worker,
  policy: Policy,
  update: TrainStep,
  settings: PhaseSettings,
  options: CallOptions,
): Promise<Report> {
  const { modelId } = policy;
  const seq = policy.seq++;
  const loss: LossSpec = {
    name: settings.loss,
    aggregation: settings.aggregation === 'sequence' ? 'sequence' : 'token',
    clipLow: settings.clipLow,
    clipHigh: settings.clipHigh,
    dualClip: settings.dualClip,
    klCoef: settings.klCoef,
    klEstimator: settings.klEstimator,
    importanceCap: settings.importanceCap,
    temperature: settings.sampling.temperature,
  };
  const normalizer = normalizerOf(update, settings);
  const pass = await inLessMemory(() =>
    worker.forwardBackward({ modelId, seq, batch: update.batch, loss, normalizer }, options),
  );
  const step = await worker.optimStep({ modelId, seq: policy.seq++, adam: settings.optimizer }, options);
  return { ...pass, ...step };
}

/** What the loss of an update is divided by. */
function normalizerOf({ trainedTokens, rows }: TrainStep, { aggregation, sampling }: PhaseSettings): number {
  if (aggregation === 'token') return trainedTokens;
  return aggregation === 'sequence' ? rows.length : rows.length * sampling.maxTokens;
}

/** How often a call that ran out of memory is made again: the worker computes less at once each time. */
const MEMORY_TRIES = 6;

async function inLessMemory<T>(call: () => Promise<T>): Promise<T> {
  for (let again = 0; again < MEMORY_TRIES; again++) {
    try {
      return await call();
    } catch (error) {
      if (!failedWith(error, 'out_of_memory')) throw error;
    }
  }
  return call();
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
