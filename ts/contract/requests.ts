import type { Worker } from '../ports/worker.ts';
import type {
  Adam,
  Conversation,
  LossSpec,
  SampleBatch,
  SampleParams,
  Sampling,
  TrainBatch,
} from '../protocol/generated.ts';

export const SAMPLING: Sampling = { temperature: 1, topP: 1, topK: 0, maxTokens: 24 };

export const LOSS: LossSpec = {
  name: 'grpo',
  aggregation: 'token',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: 0,
  klCoef: 0,
  klEstimator: 'k3',
  importanceCap: 0,
  temperature: 1,
};

export function adam(learningRate: number, changes: Partial<Adam> = {}): Adam {
  const plain = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decayVectors: true, maxGradNorm: 0 };
  return { learningRate, ...plain, ...changes };
}

export const PROMPTS = ['17+25', '6*7', '98-30'];

export function userTurns(...contents: string[]): Conversation[] {
  return contents.map((content) => ({ messages: [{ role: 'user', content }] }));
}

/** Params of `sample`: three prompts, one sample each, seeds 1, 2, 3. */
export function sampleParams(
  modelId: string,
  changes: Partial<Omit<SampleParams, 'sampling'>> & { sampling?: Partial<Sampling> } = {},
): SampleParams {
  const { sampling, ...rest } = changes;
  const conversations = rest.conversations ?? userTurns(...PROMPTS);
  return {
    modelId,
    conversations,
    n: 1,
    seeds: Uint32Array.from(conversations, (_, index) => index + 1),
    ...rest,
    sampling: { ...SAMPLING, ...sampling },
  };
}

/** One sample with its prompt. */
export interface Sequence {
  prompt: number[];
  completion: number[];
  logprobs: number[];
}

/** A batch's samples, conversation by conversation. */
export function sequencesOf(batch: SampleBatch): Sequence[] {
  const prompts = split(batch.promptTokens, batch.promptLengths);
  const completions = split(batch.tokens, batch.lengths);
  const logprobs = split(batch.logprobs, batch.lengths);
  const n = completions.length / prompts.length;
  return completions.map((completion, index) => ({
    prompt: prompts[Math.floor(index / n)] as number[],
    completion,
    logprobs: logprobs[index] as number[],
  }));
}

/** Runs of concatenated values. */
export function split(values: Int32Array | Float32Array, lengths: Int32Array): number[][] {
  let start = 0;
  return Array.from(lengths, (length) => {
    start += length;
    return Array.from(values.subarray(start - length, start));
  });
}

/** Tokens and lengths of whole sequences. */
export function joined(sequences: readonly Sequence[]): { tokens: Int32Array; lengths: Int32Array } {
  return {
    tokens: Int32Array.from(sequences.flatMap(({ prompt, completion }) => [...prompt, ...completion])),
    lengths: Int32Array.from(sequences, ({ prompt, completion }) => prompt.length + completion.length),
  };
}

/** Log-probs of the completions' tokens under the weights being trained. */
export async function completionLogprobs(
  worker: Worker,
  modelId: string,
  sequences: readonly Sequence[],
  temperature = 1,
): Promise<number[][]> {
  const { tokens, lengths } = joined(sequences);
  const { logprobs } = await worker.forward({ modelId, tokens, lengths, temperature });
  return split(logprobs, lengths).map((values, index) => values.slice(sequences[index]?.prompt.length));
}

/** Log-probs of the completions that come with a batch. */
export interface Given {
  old?: readonly number[][];
  ref?: readonly number[][];
  sampled?: readonly number[][];
}

/** A batch that trains the completions, each with its advantage. */
export function trainBatch(
  sequences: readonly Sequence[],
  advantages: readonly number[],
  given: Given = {},
): TrainBatch {
  const padded = (values: readonly number[][]): Float32Array =>
    Float32Array.from(
      sequences.flatMap(({ prompt }, index) => [...prompt.map(() => 0), ...(values[index] as number[])]),
    );
  return {
    ...joined(sequences),
    mask: Uint8Array.from(
      sequences.flatMap(({ prompt, completion }) => [...prompt.map(() => 0), ...completion.map(() => 1)]),
    ),
    advantages: Float32Array.from(advantages),
    ...(given.old && { oldLogprobs: padded(given.old) }),
    ...(given.ref && { refLogprobs: padded(given.ref) }),
    ...(given.sampled && { sampleLogprobs: padded(given.sampled) }),
  };
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
