import { completionsOf, type Scores, trainableRows, trainStep } from '../domain/datum.ts';
import { firstGroups, joinBatches, joinFloats } from '../domain/samples.ts';
import type { PhaseSettings } from '../domain/settings.ts';
import type { Worker } from '../ports/worker.ts';
import type { SampleBatch } from '../protocol/generated.ts';
import { conversationsPerRequest, type Drawn, type DrawOptions } from './draw.ts';
import { logprobsOf, type Policy } from './policy.ts';
import { Scoring } from './scoring.ts';

/** Samples to train on, and what the trainer says of them. */
export interface Rollouts extends Scores {
  batch: SampleBatch;
}

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
  options: DrawOptions,
): Promise<Scores> {
  const { rollouts, prompts, miniBatch } = settings;
  const rows = trainableRows(batch);
  if (rows.length === 0) return {};
  const step = trainStep(batch, new Float32Array(batch.lengths.length), rollouts, rows);
  const score = async (modelId: string) =>
    completionsOf(await logprobsOf(worker, policy, modelId, step.batch, settings, options), step.batch);
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
