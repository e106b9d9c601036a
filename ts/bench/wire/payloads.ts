import { stream } from '../../domain/random.ts';
import type { ForwardBackwardParams, ForwardParams, SampleBatch, TrainBatch } from '../../protocol/generated.ts';

/** Of Qwen3: most ids take more than two bytes. */
const VOCABULARY = 151_936;

/** Characters that a token of English text has on average. */
const CHARACTERS = 4;

/** What the echo worker (echo.py) calls its model. */
export const MODEL = 'echo';

/** Sequences of one length with tokens all over the vocabulary, as `forward` takes them. */
export function forwardParams(sequences: number, length: number): ForwardParams {
  const random = stream(1, 'tokens');
  return {
    modelId: MODEL,
    tokens: Int32Array.from({ length: sequences * length }, () => Math.floor(random() * VOCABULARY)),
    lengths: new Int32Array(sequences).fill(length),
    temperature: 1,
  };
}

/** A batch to train on: the first quarter of every sequence is its prompt. Reference log-probs where asked for. */
export function trainBatch(sequences: number, length: number, withReference = false): TrainBatch {
  const random = stream(1, 'batch');
  const { tokens, lengths } = forwardParams(sequences, length);
  const mask = Uint8Array.from(tokens, (_, index) => (index % length >= length / 4 ? 1 : 0));
  const logprobs = (): Float32Array => Float32Array.from(mask, (one) => (one === 1 ? Math.log(1 - random()) : 0));
  return {
    tokens,
    lengths,
    mask,
    advantages: Float32Array.from({ length: sequences }, () => random() - 0.5),
    oldLogprobs: logprobs(),
    ...(withReference ? { refLogprobs: logprobs() } : {}),
  };
}

/** A gradient call on a batch. @param seq above that of the call before */
export function trainParams(batch: TrainBatch, seq: number): ForwardBackwardParams {
  return {
    modelId: MODEL,
    seq,
    batch,
    loss: {
      name: 'grpo',
      aggregation: 'token',
      clipLow: 0.2,
      clipHigh: 0.2,
      dualClip: 0,
      klCoef: 0,
      klEstimator: 'k3',
      importanceCap: 0,
      temperature: 1,
    },
    normalizer: batch.tokens.length,
  };
}

/** The answer to a request for four samples of each prompt; a prompt has a quarter of a sample's length. */
export function sampleBatch(samples: number, length: number): SampleBatch {
  const prompts = forwardParams(samples / 4, length / 4);
  const { tokens, lengths } = forwardParams(samples, length);
  const { oldLogprobs = new Float32Array() } = trainBatch(samples, length);
  const text = 'as it goes on and on so does it '.repeat((length * CHARACTERS) / 32);
  return {
    weightsVersion: 1,
    promptTokens: prompts.tokens,
    promptLengths: prompts.lengths,
    tokens,
    lengths,
    logprobs: oldLogprobs,
    texts: Array.from({ length: samples }, () => text),
    stopReasons: Array.from({ length: samples }, () => 'stop' as const),
  };
}
