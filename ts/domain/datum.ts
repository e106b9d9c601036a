import type { SampleBatch, TrainBatch } from '../protocol/generated.ts';
import { InvalidArgument } from './errors.ts';

/** How samples become gradient batches. */
export interface TrainBatchOptions {
  /** Sequences an optimiser step. The last batch may hold fewer. */
  miniBatch: number;
  /**
   * Leave out samples whose advantage is exactly 0, before the batches are cut: fewer steps, every
   * step full. They carry no policy gradient, yet they do carry the KL term's, and they count in a
   * token mean; so this changes the update unless klCoef is 0 and the normaliser is not their count.
   */
  dropZero?: boolean;
  /** Which samples are trained, and in which order; every sample once, in sample order, when absent. */
  order?: readonly number[];
  /**
   * The behaviour policy of the ratio. `sampled` (the default): the log-probs that came with the samples.
   * `own`: none is sent, so the worker takes the current policy's own and the ratio is 1.
   */
  oldLogprobs?: 'sampled' | 'own';
  /** Whether the log-probs that came with the samples are sent as the sampler's, for importance sampling. */
  sampleLogprobs?: boolean;
}

/** The samples of one optimiser step. */
export interface TrainStep {
  batch: TrainBatch;
  /** Ones in the batch's mask, at least 1. */
  trainedTokens: number;
  /** Which sample each sequence is, as an index into `SampleBatch.lengths`. */
  rows: number[];
}

/**
 * Turn samples and their advantages into the batches of a phase's optimiser steps.
 *
 * A sequence is its conversation's prompt tokens and then its own tokens exactly as sampled; text is
 * never encoded again. The mask is 1 on the completion, its stop token included: when to stop is
 * learnt as well. Log-probs of prompt tokens are sent as 0. A sample without tokens trains nothing
 * and is left out.
 *
 * @param batch n samples for each conversation
 * @param advantages one a sample, finite
 * @param n samples a conversation
 * @returns steps in order; [] when nothing is left to train
 */
export function toTrainBatches(
  batch: SampleBatch,
  advantages: Float32Array,
  n: number,
  options: TrainBatchOptions,
): TrainStep[] {
  const samples = requireShape(batch, advantages, n, options);
  const starts = { prompt: offsets(batch.promptLengths), completion: offsets(batch.lengths) };
  const rows = (options.order ?? Array.from({ length: samples }, (_, row) => row)).filter(
    (row) => batch.lengths[row] !== 0 && !(options.dropZero === true && advantages[row] === 0),
  );
  const steps: TrainStep[] = [];
  for (let start = 0; start < rows.length; start += options.miniBatch) {
    steps.push(assemble(batch, advantages, n, starts, rows.slice(start, start + options.miniBatch), options));
  }
  return steps;
}

/** The same batch with the reference policy's log-probs, aligned with its tokens (a `forward` result on them). */
export function attachRefLogprobs(batch: TrainBatch, logprobs: Float32Array): TrainBatch {
  if (logprobs.length !== batch.tokens.length) {
    throw new InvalidArgument(
      `attachRefLogprobs: ${logprobs.length} log-probs for ${batch.tokens.length} tokens; one a token is needed`,
    );
  }
  return { ...batch, refLogprobs: logprobs };
}

interface Starts {
  prompt: Int32Array;
  completion: Int32Array;
}

function assemble(
  batch: SampleBatch,
  advantages: Float32Array,
  n: number,
  starts: Starts,
  rows: number[],
  options: TrainBatchOptions,
): TrainStep {
  const promptLength = (row: number): number => batch.promptLengths[Math.floor(row / n)] as number;
  const lengths = Int32Array.from(rows, (row) => promptLength(row) + (batch.lengths[row] as number));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const tokens = new Int32Array(total);
  const mask = new Uint8Array(total);
  const sampled = new Float32Array(total);
  let trainedTokens = 0;
  let position = 0;
  for (const row of rows) {
    const prompt = starts.prompt[Math.floor(row / n)] as number;
    const promptEnd = prompt + promptLength(row);
    tokens.set(batch.promptTokens.subarray(prompt, promptEnd), position);
    position += promptEnd - prompt;
    const completion = starts.completion[row] as number;
    const completionEnd = starts.completion[row + 1] as number;
    const length = completionEnd - completion;
    tokens.set(batch.tokens.subarray(completion, completionEnd), position);
    sampled.set(batch.logprobs.subarray(completion, completionEnd), position);
    mask.fill(1, position, position + length);
    position += length;
    trainedTokens += length;
  }
  const trained: TrainBatch = {
    tokens,
    lengths,
    mask,
    advantages: Float32Array.from(rows, (row) => advantages[row] as number),
  };
  if (options.oldLogprobs !== 'own') trained.oldLogprobs = sampled;
  if (options.sampleLogprobs === true) trained.sampleLogprobs = sampled;
  return { batch: trained, trainedTokens, rows };
}

/** Prefix sums: run i is [offsets[i], offsets[i + 1]). */
function offsets(lengths: Int32Array): Int32Array {
  const result = new Int32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) result[i + 1] = (result[i] as number) + (lengths[i] as number);
  return result;
}

/** Arrays that disagree would train tokens of another sample, silently; so they are an error here. Returns the number of samples. */
function requireShape(batch: SampleBatch, advantages: Float32Array, n: number, options: TrainBatchOptions): number {
  const samples = batch.promptLengths.length * n;
  const sum = (lengths: Int32Array): number => lengths.reduce((total, length) => total + length, 0);
  const check = (name: string, actual: number, expected: number): void => {
    if (actual !== expected) throw new InvalidArgument(`toTrainBatches: ${name} is ${actual}, expected ${expected}`);
  };
  if (!Number.isInteger(n) || n < 1)
    throw new InvalidArgument(`toTrainBatches: n is ${n}, allowed are integers from 1`);
  if (!Number.isInteger(options.miniBatch) || options.miniBatch < 1) {
    throw new InvalidArgument(`toTrainBatches: miniBatch is ${options.miniBatch}, allowed are integers from 1`);
  }
  check('number of samples (lengths)', batch.lengths.length, samples);
  check('number of advantages', advantages.length, samples);
  check('number of prompt tokens', batch.promptTokens.length, sum(batch.promptLengths));
  check('number of tokens', batch.tokens.length, sum(batch.lengths));
  check('number of log-probs', batch.logprobs.length, batch.tokens.length);
  if (!advantages.every(Number.isFinite)) throw new InvalidArgument('toTrainBatches: an advantage is not finite');
  for (const row of options.order ?? []) {
    if (!Number.isInteger(row) || row < 0 || row >= samples) {
      throw new InvalidArgument(`toTrainBatches: order holds ${row}, allowed are samples 0 to ${samples - 1}`);
    }
  }
  return samples;
}
