import type { Credit, CreditRule } from '../domain/advantage.ts';
import { completionsOf, type Scores, type TrainStep, trainableRows, trainStep } from '../domain/datum.ts';
import { firstGroups, joinBatches, joinFloats } from '../domain/samples.ts';
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
import { conversationsPerRequest, type Drawn, type DrawOptions } from './draw.ts';
import { TrainingDiverged } from './errors.ts';
import { Scoring } from './scoring.ts';
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
  await worker.loadModel({ modelId: referenceId, source: anchor, trainable: false, role: 'train', seed }, { signal });
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
  step: number;
  options: CallOptions;
  warn(message: string): void;
}

/** Samples to train on, and what the trainer says of them. */
export interface Rollouts extends Scores {
  batch: SampleBatch;
}

type Report = ForwardBackwardResult & OptimStepResult;

/**
 * Log-probs that the updates of a step need of samples, while the policy is still what it was when the step began. They
 * can be asked for as soon as some samples are there, while others are being generated.
 *
 * With a single update the old policy is the current one and the ratio is exactly 1; with several, old log-probs are
 * computed by the trainer before the first of them, so sampler and trainer numerics never mix in the ratio. How far
 * the two are apart is what the importance weights are for.
 */
export async function scoreSamples(
  worker: Worker,
  policy: Policy,
  batch: SampleBatch,
  settings: PhaseSettings,
  options: CallOptions,
): Promise<Scores> {
  const { rollouts, prompts, miniBatch } = settings;
  const rows = trainableRows(batch);
  if (rows.length === 0) return {};
  const step = trainStep(batch, new Float32Array(batch.lengths.length), rollouts, rows);
  const score = async (modelId: string) =>
    completionsOf(await logprobsOf(worker, modelId, step.batch, settings, options), step.batch);
  const several = prompts * rollouts > miniBatch;
  const { referenceId, referenceShare } = policy;
  const old = several ? score(policy.modelId) : undefined;
  // An anchor that moves with the updates is asked before each.
  const reference = referenceId === undefined || referenceShare !== undefined ? undefined : score(referenceId);
  const [one, other] = await Promise.all([old, reference]);
  return { ...(one && { old: one }), ...(other && { reference: other }) };
}

/**
 * Scores the samples of a step while others are still drawn.
 *
 * @param asked conversations that are asked for, of which `needed` are waited for
 */
export function scoringOf(
  worker: Worker,
  policy: Policy,
  settings: PhaseSettings,
  { asked, needed }: { asked: number; needed: number },
  options: DrawOptions,
): Scoring {
  const { rollouts: n } = settings;
  return new Scoring((batch) => scoreSamples(worker, policy, batch, settings, options), {
    conversations: asked,
    perRequest: conversationsPerRequest(options.requestSamples, n),
    n,
    cut: asked > needed,
  });
}

/** What was drawn and scored in parts, as one: the first `groups` conversations. */
export async function joinRollouts(
  parts: readonly Drawn<{ batch: SampleBatch; scores: Promise<Scores> }>[],
  n: number,
  groups: number,
): Promise<Rollouts> {
  const scores = await Promise.all(parts.map(({ value }) => value.scores));
  const batch = firstGroups(joinBatches(parts.map(({ value }) => value.batch)), n, groups);
  const join = (key: keyof Scores): Scores => {
    const logprobs = scores.flatMap((one) => one[key] ?? []);
    return logprobs.length === 0 ? {} : { [key]: joinFloats(logprobs).subarray(0, batch.tokens.length) };
  };
  return { batch, ...join('old'), ...join('reference') };
}

/**
 * One training step: updates of `miniBatch` samples, then publish. Groups are trained in the order given, whole groups
 * one after another, and an update is made as soon as the rewards of its samples are there.
 *
 * `settings.aggregation` says what the loss of an update is a mean of. An update whose loss or gradient is not finite is
 * skipped, with a warning.
 *
 * @param order groups, by their number in the batch
 * @param creditOf what a group's samples are trained with
 * @returns means over the updates, and what became of the rewards
 * @throws TrainingDiverged where all updates had to be skipped
 */
export async function updatePolicy(
  worker: Worker,
  policy: Policy,
  rollouts: Rollouts,
  settings: PhaseSettings,
  order: readonly number[],
  creditOf: (group: number) => Promise<Credit>,
  { step, options, warn }: StepScope,
): Promise<{ metrics: Record<string, number>; credit: Credit }> {
  const { modelId } = policy;
  const { batch } = rollouts;
  const n = settings.rollouts;
  const samples = batch.lengths.length;
  const credit: Credit = {
    advantages: new Float32Array(samples),
    trained: new Array<boolean>(samples).fill(false),
    flatGroups: 0,
    overlong: 0,
  };
  const reports: Report[] = [];
  let tried = 0;
  let skipped = '';
  const update = async (rows: readonly number[]): Promise<void> => {
    tried += 1;
    const made = trainStep(batch, credit.advantages, n, rows, {
      ...rollouts,
      sampleLogprobs: settings.importanceCap > 0,
    });
    if (policy.referenceId !== undefined && policy.referenceShare !== undefined) {
      made.batch.refLogprobs = await logprobsOf(worker, policy.referenceId, made.batch, settings, options);
    }
    try {
      reports.push(await updateOnce(worker, policy, made, settings, options));
    } catch (error) {
      if (!failedWith(error, 'not_finite')) throw error;
      skipped = error.message;
      warn(`step ${step}: update ${tried} was skipped: ${skipped}`);
      return;
    }
    if (policy.referenceId !== undefined && policy.referenceShare !== undefined) {
      await worker.averageWeights(
        { modelId: policy.referenceId, towards: modelId, share: policy.referenceShare },
        options,
      );
    }
  };

  let pending: number[] = [];
  for (const group of order) {
    const { advantages, trained, flatGroups, overlong } = await creditOf(group);
    credit.advantages.set(advantages, group * n);
    credit.flatGroups += flatGroups;
    credit.overlong += overlong;
    for (const [index, isTrained] of trained.entries()) {
      const row = group * n + index;
      credit.trained[row] = isTrained;
      if (isTrained && batch.lengths[row] !== 0) pending.push(row);
    }
    for (; pending.length >= settings.miniBatch; pending = pending.slice(settings.miniBatch)) {
      await update(pending.slice(0, settings.miniBatch));
    }
  }
  if (pending.length > 0) await update(pending);

  if (tried > 0 && reports.length === 0) {
    const option = { name: `${modelId}.optimizer.learningRate`, value: settings.optimizer.learningRate };
    throw new TrainingDiverged(`${modelId}, step ${step}`, tried, option, skipped);
  }
  const { weightsVersion } = await worker.publishWeights({ modelId }, options);
  const average = (key: keyof Report) => mean(reports.map((report) => report[key]));
  const meanLength = mean(Array.from(batch.lengths));
  if (reports.length === 0) return { metrics: { updates: 0, meanLength, weightsVersion }, credit };
  const metrics = {
    updates: reports.length,
    skippedUpdates: tried - reports.length,
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
  return { metrics, credit };
}

async function logprobsOf(
  worker: Worker,
  modelId: string,
  { tokens, lengths, mask }: TrainBatch,
  { sampling }: PhaseSettings,
  options: CallOptions,
): Promise<Float32Array> {
  const { temperature } = sampling;
  const forward = () => worker.forward({ modelId, tokens, lengths, mask, temperature }, options);
  return (await inLessMemory(forward)).logprobs;
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
