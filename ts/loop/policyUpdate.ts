import type { Credit, CreditRule } from '../domain/advantage.ts';
import { type TrainStep, trainStep } from '../domain/datum.ts';
import type { PhaseSettings } from '../domain/settings.ts';
import { mean } from '../domain/statistics.ts';
import type { Storable } from '../ports/journal.ts';
import type { Worker } from '../ports/worker.ts';
import type {
  Adam,
  CallOptions,
  ForwardBackwardResult,
  LossSpec,
  OptimStepResult,
  TrainBatch,
} from '../protocol/generated.ts';
import type { DrawOptions } from './draw.ts';
import { TrainingDiverged } from './errors.ts';
import { inLessMemory } from './lessMemory.ts';
import { logprobsOf, type Policy } from './policy.ts';
import type { Rollouts } from './rollouts.ts';
import { failedWith } from './workerFailure.ts';

/** An update that is going to be made, see JournalEntry `update`. */
export interface Intent {
  update: number;
  seq: number;
  /** All that decides it. */
  batch: Storable;
  /** What its samples were paid. */
  credit: Storable;
}

/** One training step of a phase: which it is, and who hears of what is done in it and of what went wrong. */
export interface StepScope {
  step: number;
  options: DrawOptions;
  /** Told before each update. @throws ReplayDiverged where another one is on record */
  intend(intent: Intent): void;
  warn(message: string): void;
}

type Report = ForwardBackwardResult & OptimStepResult;

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
  { step, options, intend, warn }: StepScope,
): Promise<{ metrics: Record<string, number>; credit: Credit }> {
  const { modelId } = policy;
  const { batch } = rollouts;
  const n = settings.rollouts;
  const samples = batch.lengths.length;
  const credit: Credit = {
    rewards: new Float64Array(samples),
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
      made.batch.refLogprobs = await logprobsOf(worker, policy, policy.referenceId, made.batch, settings, options);
    }
    const { seq } = policy;
    const weighed = { loss: lossOf(settings), normalizer: normalizerOf(made, settings), adam: settings.optimizer };
    intend({
      update: tried,
      seq,
      batch: { modelId, seq, ...weighed, ...made.batch },
      credit: {
        rows: Int32Array.from(rows),
        rewards: Float64Array.from(rows, (row) => credit.rewards[row] as number),
        advantages: Float32Array.from(rows, (row) => credit.advantages[row] as number),
      },
    });
    try {
      reports.push(await updateOnce(worker, policy, made.batch, weighed, options));
    } catch (error) {
      if (!failedWith(error, 'not_finite')) throw error;
      skipped = error.message;
      warn(`step ${step}: update ${tried} was skipped: ${skipped}`);
      return;
    }
    if (policy.referenceId !== undefined && policy.referenceShare !== undefined) {
      const { weightsVersion } = await worker.averageWeights(
        { modelId: policy.referenceId, towards: modelId, share: policy.referenceShare },
        options,
      );
      policy.referenceVersion = weightsVersion;
    }
  };

  let pending: number[] = [];
  for (const group of order) {
    const { rewards, advantages, trained, flatGroups, overlong } = await creditOf(group);
    credit.rewards.set(rewards, group * n);
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
  policy.weightsVersion = weightsVersion;
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

/** @throws what the worker says; after `not_finite` its gradient is zero and its weights are as they were */
async function updateOnce(
  worker: Worker,
  policy: Policy,
  batch: TrainBatch,
  { loss, normalizer, adam }: { loss: LossSpec; normalizer: number; adam: Adam },
  options: CallOptions,
): Promise<Report> {
  const { modelId } = policy;
  const seq = policy.seq++;
  const pass = await inLessMemory(() => worker.forwardBackward({ modelId, seq, batch, loss, normalizer }, options));
  const step = await worker.optimStep({ modelId, seq: policy.seq++, adam }, options);
  return { ...pass, ...step };
}

function lossOf(settings: PhaseSettings): LossSpec {
  return {
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
}

/** What the loss of an update is divided by. */
function normalizerOf({ trainedTokens, rows }: TrainStep, { aggregation, sampling }: PhaseSettings): number {
  if (aggregation === 'token') return trainedTokens;
  return aggregation === 'sequence' ? rows.length : rows.length * sampling.maxTokens;
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
