import type { SampleBatch, TrainBatch } from '../protocol/generated.ts';
import { InvalidArgument } from './errors.ts';

/** What the trainer says of sampled tokens: log-probs aligned with `SampleBatch.tokens`. */
export interface Scores {
  /** Under the policy that the ratio is to; absent: the current one's own, and the ratio is 1. */
  old?: Float32Array;
  /** Under the anchor of the KL term. */
  reference?: Float32Array;
}

/** How samples become a gradient batch. */
export interface TrainStepOptions extends Scores {
  /** Whether the log-probs that came with the samples are sent as the sampler's, for importance sampling. */
  sampleLogprobs?: boolean;
}

/** The samples of one optimiser step. */
export interface TrainStep {
  batch: TrainBatch;
  /** Ones in the batch's mask. */
  trainedTokens: number;
  /** Which sample each sequence is, as an index into `SampleBatch.lengths`. */
  rows: readonly number[];
}

/** The samples that train something: those with tokens, by their number. */
export function trainableRows({ lengths }: Pick<SampleBatch, 'lengths'>): number[] {
  return Array.from(lengths.keys()).filter((row) => lengths[row] !== 0);
}

/**
 * Turn samples and their advantages into the batch of one optimiser step.
 *
 * A sequence is its conversation's prompt tokens and then its own tokens exactly as sampled; text is
 * never encoded again. The mask is 1 on the completion, its stop token included: when to stop is
 * learnt as well. Log-probs of prompt tokens are sent as 0.
 *
 * @param batch n samples for each conversation
 * @param advantages one a sample of the batch, finite for the rows that are trained
 * @param n samples a conversation
 * @param rows which samples, in which order; each has tokens
 * @throws InvalidArgument where arrays disagree: they would train tokens of another sample, silently
 */
export function trainStep(
  batch: SampleBatch,
  advantages: Float32Array,
  n: number,
  rows: readonly number[],
  options: TrainStepOptions = {},
): TrainStep {
  requireShape(batch, advantages, n, rows, options);
  const promptStarts = offsets(batch.promptLengths);
  const starts = offsets(batch.lengths);
  const promptLength = (row: number): number => batch.promptLengths[Math.floor(row / n)] as number;
  const lengths = Int32Array.from(rows, (row) => promptLength(row) + (batch.lengths[row] as number));
  const total = sum(lengths);
  const aligned = (values: Float32Array | undefined) =>
    values === undefined ? undefined : { values, array: new Float32Array(total) };
  const old = aligned(options.old);
  const reference = aligned(options.reference);
  const sampled = aligned(options.sampleLogprobs === true ? batch.logprobs : undefined);
  const tokens = new Int32Array(total);
  const mask = new Uint8Array(total);
  let trainedTokens = 0;
  let position = 0;
  for (const row of rows) {
    const prompt = promptStarts[Math.floor(row / n)] as number;
    tokens.set(batch.promptTokens.subarray(prompt, prompt + promptLength(row)), position);
    position += promptLength(row);
    const start = starts[row] as number;
    const end = starts[row + 1] as number;
    tokens.set(batch.tokens.subarray(start, end), position);
    for (const one of [old, reference, sampled]) one?.array.set(one.values.subarray(start, end), position);
    mask.fill(1, position, position + end - start);
    position += end - start;
    trainedTokens += end - start;
  }
  const trained: TrainBatch = {
    tokens,
    lengths,
    mask,
    advantages: Float32Array.from(rows, (row) => advantages[row] as number),
    ...(old && { oldLogprobs: old.array }),
    ...(reference && { refLogprobs: reference.array }),
    ...(sampled && { sampleLogprobs: sampled.array }),
  };
  return { batch: trained, trainedTokens, rows };
}

/**
 * Of values that are aligned with a step's tokens, those of the completions: aligned with `SampleBatch.tokens` where
 * the step's rows are all that have tokens, in order.
 */
export function completionsOf(values: Float32Array, { mask }: Pick<TrainBatch, 'mask'>): Float32Array {
  if (values.length !== mask.length) {
    throw new InvalidArgument(
      `completionsOf: ${values.length} log-probs for ${mask.length} tokens; one a token is needed`,
    );
  }
  // A loop: `filter` calls a function for each of millions of tokens.
  const kept = new Float32Array(values.length);
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (mask[i] === 1) kept[count++] = values[i] as number;
  }
  return kept.slice(0, count);
}

/** Prefix sums: run i is [offsets[i], offsets[i + 1]). */
function offsets(lengths: Int32Array): Int32Array {
  const result = new Int32Array(lengths.length + 1);
  for (let i = 0; i < lengths.length; i++) result[i + 1] = (result[i] as number) + (lengths[i] as number);
  return result;
}

function sum(lengths: Int32Array): number {
  return lengths.reduce((total, length) => total + length, 0);
}

function requireShape(
  batch: SampleBatch,
  advantages: Float32Array,
  n: number,
  rows: readonly number[],
  { old, reference }: TrainStepOptions,
): void {
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgument(`trainStep: n is ${n}, allowed are integers from 1`);
  const samples = batch.promptLengths.length * n;
  const tokens = batch.tokens.length;
  const check = (name: string, actual: number, expected: number): void => {
    if (actual !== expected) throw new InvalidArgument(`trainStep: ${name} is ${actual}, expected ${expected}`);
  };
  check('number of samples (lengths)', batch.lengths.length, samples);
  check('number of advantages', advantages.length, samples);
  check('number of prompt tokens', batch.promptTokens.length, sum(batch.promptLengths));
  check('number of tokens', tokens, sum(batch.lengths));
  check('number of log-probs', batch.logprobs.length, tokens);
  check('number of old log-probs', old?.length ?? tokens, tokens);
  check('number of reference log-probs', reference?.length ?? tokens, tokens);
  for (const row of rows) {
    if (!Number.isInteger(row) || row < 0 || row >= samples) {
      throw new InvalidArgument(`trainStep: rows hold ${row}, allowed are samples 0 to ${samples - 1}`);
    }
    if (batch.lengths[row] === 0) throw new InvalidArgument(`trainStep: sample ${row} has no tokens to train`);
    if (!Number.isFinite(advantages[row])) {
      throw new InvalidArgument(`trainStep: the advantage of sample ${row} is ${advantages[row]}, allowed is finite`);
    }
  }
}
