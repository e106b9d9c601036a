import type {
  ForwardBackwardParams,
  ForwardBackwardResult,
  ForwardParams,
  ForwardResult,
  OptimStepParams,
  OptimStepResult,
  SampleParams,
  SampleResult,
  StopReason,
  WeightsProof,
} from '../../protocol/generated.ts';
import { WorkerCallError } from '../errors.ts';
import { probeTokens } from '../probe.ts';
import { type AdamState, adamStep, freshAdam } from './adamw.ts';
import { accumulate } from './gradient.ts';
import { Ledger } from './ledger.ts';
import { sha256Of } from './manifest.ts';
import { Policy } from './policy.ts';
import { stream } from './random.ts';
import { cutAtStop } from './stopStrings.ts';
import { decode, encodeConversation, VOCABULARY } from './text.ts';

/** What a checkpoint holds. */
export interface Checkpoint {
  weights: Float64Array;
  optimizer: AdamState | undefined;
  /** Optimiser steps that the model has taken. */
  steps: number;
  ledger: Ledger | undefined;
}

/** A long call's line to the outside. */
export interface Pace {
  /** Report, let other events run, and throw `cancelled` when asked to. */
  tick(done: number, total: number): Promise<void>;
}

/** Trained weights, published ones, a gradient and an optimiser. */
export class MemoryModel {
  ledger = new Ledger();
  version = 0;
  private readonly trainable: boolean;
  private trained: Policy;
  private published: Policy;
  private gradient: Float64Array;
  private optimizer: AdamState;

  constructor(weights: Float64Array, trainable: boolean) {
    this.trainable = trainable;
    this.trained = new Policy(weights.slice());
    this.published = this.trained.copy();
    this.gradient = new Float64Array(weights.length);
    this.optimizer = freshAdam(weights.length);
  }

  /** Optimiser steps taken. */
  get steps(): number {
    return this.optimizer.step;
  }

  /** @throws WorkerCallError `stale_weights` */
  async sample(params: SampleParams, pace: Pace): Promise<SampleResult> {
    const { conversations, n, seeds, sampling, weightsVersion = this.version } = params;
    if (weightsVersion !== this.version) throw stale(weightsVersion, `${this.version}, that of the published weights`);
    const prompts = conversations.map(({ messages }) => encodeConversation(messages));
    const policy = this.published;
    const replies = [];
    for (const [index, prompt] of prompts.entries()) {
      for (let j = 0; j < n; j++) {
        replies.push(policy.sample(prompt, sampling, stream(seeds[index] as number, j)));
        await pace.tick(replies.length, prompts.length * n);
      }
    }
    return {
      weightsVersion: this.version,
      promptTokens: Int32Array.from(prompts.flat()),
      promptLengths: Int32Array.from(prompts, (prompt) => prompt.length),
      tokens: Int32Array.from(replies.flatMap(({ tokens }) => tokens)),
      lengths: Int32Array.from(replies, ({ tokens }) => tokens.length),
      logprobs: Float32Array.from(replies.flatMap(({ logprobs }) => logprobs)),
      texts: replies.map(({ tokens }) => cutAtStop(decode(tokens), sampling.stop ?? [])),
      stopReasons: replies.map(({ stopped }): StopReason => (stopped ? 'stop' : 'length')),
    };
  }

  async forward({ tokens, lengths, mask, temperature }: ForwardParams, pace: Pace): Promise<ForwardResult> {
    const logprobs = new Float32Array(tokens.length);
    let start = 0;
    for (const [index, length] of lengths.entries()) {
      logprobs.set(this.trained.logprobs(tokens.subarray(start, start + length), temperature), start);
      start += length;
      await pace.tick(index + 1, lengths.length);
    }
    return { logprobs: mask === undefined ? logprobs : logprobs.map((logprob, at) => (mask[at] === 1 ? logprob : 0)) };
  }

  forwardBackward(params: ForwardBackwardParams): ForwardBackwardResult {
    return accumulate(this.trained, this.gradient, params);
  }

  /** A gradient that allows no step is dropped, so that the next one begins at zero. @throws `not_finite` */
  optimStep({ adam }: OptimStepParams): OptimStepResult {
    try {
      return { gradNorm: adamStep(this.trained.weights, this.gradient, this.optimizer, adam) };
    } finally {
      this.gradient.fill(0);
      this.trained.changed();
    }
  }

  /** Of the published weights: the SHA-256 of their bytes, and the probe's log-probs. */
  proof(): WeightsProof {
    const { weights } = this.published;
    return {
      checksum: sha256Of(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)),
      probe: this.published.logprobs(probeTokens(VOCABULARY), 1),
    };
  }

  /**
   * Copy the trained weights to the published ones.
   * @param version what they get; the present one: nothing changes, so that the call may be repeated
   * @throws WorkerCallError `stale_weights` for a version below the present one
   */
  publish(version = this.version + 1): number {
    if (version < this.version) throw stale(version, `${this.version}, that of the published weights, or above`);
    if (version > this.version) this.published = this.trained.copy();
    this.version = version;
    return version;
  }

  /**
   * Move the trained weights by `share` towards another's; where they are frozen, they are the published ones too.
   * @returns the version of the published weights
   */
  average(other: MemoryModel, share: number): number {
    const { weights } = other.trained;
    this.trained = new Policy(this.trained.weights.map((w, index) => w + share * ((weights[index] as number) - w)));
    return this.trainable ? this.version : this.publish();
  }

  /** What a checkpoint is written of: no copies. */
  save(withOptimizer: boolean): Checkpoint {
    return {
      weights: this.trained.weights,
      optimizer: withOptimizer ? this.optimizer : undefined,
      steps: this.steps,
      ledger: withOptimizer ? this.ledger : undefined,
    };
  }

  /**
   * Take a checkpoint over, and publish it as `version`, whatever the present one is. Where it holds no record of
   * seq, the present one goes on.
   */
  load({ weights, optimizer, ledger = this.ledger }: Checkpoint, version = this.version + 1): number {
    this.trained = new Policy(weights);
    this.optimizer = optimizer ?? freshAdam(weights.length);
    this.ledger = ledger;
    this.gradient.fill(0);
    this.published = this.trained.copy();
    this.version = version;
    return version;
  }

  /** @throws WorkerCallError `not_trainable` */
  assertTrainable(modelId: string): void {
    if (!this.trainable) {
      throw new WorkerCallError('not_trainable', `modelId ${modelId} was loaded with trainable: false`);
    }
  }
}

function stale(asked: number, allowed: string): WorkerCallError {
  return new WorkerCallError('stale_weights', `weightsVersion: saw ${asked}, allowed is ${allowed}`);
}
