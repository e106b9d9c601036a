import type { PhaseSettings } from '../domain/settings.ts';
import type { Worker } from '../ports/worker.ts';
import type { CallOptions, TrainBatch } from '../protocol/generated.ts';
import type { LoopContext } from './context.ts';
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

/** Log-probs of the trained tokens of a batch, aligned with its tokens: under a policy, or under its anchor. */
export async function logprobsOf(
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
