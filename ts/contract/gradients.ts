import type { Adam, ForwardBackwardResult, LossSpec } from '../protocol/generated.ts';
import type { Context } from './context.ts';
import { adam, type Given, LOSS, type Sequence, sampleParams, sequencesOf, trainBatch } from './requests.ts';

/** What a `forward_backward` over some samples is made of. */
export interface Made {
  seq: number;
  advantages: readonly number[];
  given?: Given;
  loss?: Partial<LossSpec>;
  normalizer?: number;
}

/** `forward_backward` over the sequences' completions; the normalizer is 10 unless given. */
export function backward(
  { worker }: Context,
  modelId: string,
  sequences: readonly Sequence[],
  made: Made,
): Promise<ForwardBackwardResult> {
  return worker.forwardBackward({
    modelId,
    seq: made.seq,
    batch: trainBatch(sequences, made.advantages, made.given),
    loss: { ...LOSS, ...made.loss },
    normalizer: made.normalizer ?? 10,
  });
}

/** The gradient's norm, without moving the weights. */
export async function gradNorm({ worker }: Context, modelId: string, seq: number): Promise<number> {
  return (await worker.optimStep({ modelId, seq, adam: adam(0) })).gradNorm;
}

/** A model and three of its samples. */
export async function withSamples(context: Context): Promise<{ modelId: string; sequences: Sequence[] }> {
  const modelId = await context.load();
  return { modelId, sequences: sequencesOf(await context.worker.sample(sampleParams(modelId))) };
}

/** Adam with so large an epsilon that a step is proportional to the gradient, not to its sign. */
export function proportional({ learningRate }: Context): Adam {
  return adam(learningRate * 100, { epsilon: 10 });
}
