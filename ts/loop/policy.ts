import type { PhaseSettings } from '../domain/settings.ts';
import type { Worker } from '../ports/worker.ts';
import type { CallOptions, TrainBatch } from '../protocol/generated.ts';
import type { LoopContext } from './context.ts';
import type { DrawOptions } from './draw.ts';
import { inLessMemory } from './lessMemory.ts';

/** A policy in training: the worker's names for it and for its frozen start, and its step counter. */
export interface Policy {
  modelId: string;
  /** The anchor of the KL term; absent when `klCoef` is 0. */
  referenceId?: string;
  /** What the anchor takes over of the policy after each update, in (0, 1]; absent where it stands still. */
  referenceShare?: number;
  /** Number for the next gradient verb; the worker applies each number once. */
  seq: number;
  /** Of the published weights, and of the anchor's where it follows. */
  weightsVersion: number;
  referenceVersion: number;
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
  const fresh = { modelId, seq: 1, weightsVersion: 0, referenceVersion: 0 };
  if (phase.klCoef === 0) return fresh;
  const referenceId = `${modelId}-reference`;
  const anchor = roles.anchor === 'base' ? model : source;
  await worker.loadModel({ modelId: referenceId, source: anchor, trainable: false, role: 'train', seed }, { signal });
  const follows = roles.anchor === 'ema' ? { referenceShare: 1 - roles.anchorDecay } : {};
  return { ...fresh, referenceId, ...follows };
}

/** Free a policy and its anchor. */
export async function unloadPolicy(worker: Worker, policy: Policy, options: CallOptions): Promise<void> {
  await worker.unloadModel({ modelId: policy.modelId }, options);
  if (policy.referenceId !== undefined) await worker.unloadModel({ modelId: policy.referenceId }, options);
}

/**
 * Log-probs of the trained tokens of a batch, aligned with its tokens: under a policy as it is, or under its anchor.
 *
 * @param modelId of the policy or of its anchor
 */
export async function logprobsOf(
  worker: Worker,
  { seq }: Policy,
  modelId: string,
  { tokens, lengths, mask }: TrainBatch,
  { sampling }: PhaseSettings,
  { answers, ...options }: DrawOptions,
): Promise<Float32Array> {
  const params = { modelId, tokens, lengths, mask, temperature: sampling.temperature };
  const forward = () => inLessMemory(() => worker.forward(params, options));
  // The same tokens have other log-probs after an update, which `seq` tells.
  const { logprobs } = await (answers?.recall({ verb: 'forward', seq, ...params }, forward) ?? forward());
  return logprobs;
}
