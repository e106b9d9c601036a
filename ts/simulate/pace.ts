import type { Gpu } from '../placement/gpu.ts';
import type { ModelShape } from '../placement/shape.ts';
import {
  decodeStepSeconds,
  EXCHANGE,
  HOST_LINK,
  prefillSeconds,
  scoreSeconds,
  sleepSeconds,
  switchSeconds,
  takeSeconds,
  trainSeconds,
  updateSeconds,
  wakeSeconds,
  writeSeconds,
} from '../placement/speed.ts';
import type { Capability } from '../protocol/generated.ts';
import type { EnginePace } from './engine.ts';

/** How long the work of one worker takes: its GPUs and its model decide. All in seconds. */
export interface WorkerPace extends EnginePace {
  /** A model from its files into the GPUs' memory. */
  load(): number;
  /** Log-probs of sequences of these lengths in tokens. */
  score(lengths: Int32Array): number;
  /** Their loss and gradient. */
  train(lengths: Int32Array): number;
  /** One step of the optimiser. */
  step(): number;
  /** Trained weights to where the others can read them. */
  write(): number;
  /** Written weights from there into the GPUs' memory. */
  take(): number;
  sleep(role: Capability): number;
  wake(role: Capability): number;
  /** From the model that was drawn from last to another. */
  switch(): number;
}

/** What decides the pace of a worker. */
export interface PaceOptions {
  shape: ModelShape;
  gpu: Gpu;
  /** GPUs that hold one engine, or that train, together; the latter may be on several hosts. */
  gpus: number;
  spansHosts: boolean;
  recompute: boolean;
  offload: boolean;
  /** Most tokens that a GPU computes at once in training and scoring. */
  packTokens: number;
  /** Bytes that a role puts from each GPU into the host's memory when it sleeps; 0 where it need not sleep. */
  kept: Readonly<Record<Capability, number>>;
  /** Bytes of a model on each GPU that sleeps while another is drawn from; 0 where all stay. */
  switched: number;
}

/** The pace that the roofline of ts/placement/speed.ts gives. */
export function paceOf({
  shape,
  gpu,
  gpus,
  spansHosts,
  recompute,
  offload,
  packTokens,
  kept,
  switched,
}: PaceOptions): WorkerPace {
  const half = 2 * shape.parameters;
  const workOf = (lengths: Int32Array) => {
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    return {
      tokens,
      work: { recompute, offload, packTokens, spansHosts, length: tokens / Math.max(1, lengths.length) },
    };
  };
  return {
    decode: (rows, contextTokens) => decodeStepSeconds(shape, gpu, gpus, rows, contextTokens),
    prefill: (tokens) => prefillSeconds(shape, gpu, gpus, tokens, tokens),
    load: () => half / EXCHANGE + half / (gpu.hostLink * HOST_LINK),
    score: (lengths) => {
      const { tokens, work } = workOf(lengths);
      return scoreSeconds(shape, gpu, gpus, tokens, work);
    },
    train: (lengths) => {
      const { tokens, work } = workOf(lengths);
      return trainSeconds(shape, gpu, gpus, tokens, work);
    },
    step: () => updateSeconds(shape, gpu, gpus, offload),
    write: () => writeSeconds(shape, gpu, gpus),
    take: () => takeSeconds(shape, gpu),
    sleep: (role) => (kept[role] === 0 ? 0 : sleepSeconds(kept[role], gpu)),
    wake: (role) => (kept[role] === 0 ? 0 : wakeSeconds(kept[role], gpu)),
    switch: () => (switched === 0 ? 0 : switchSeconds(switched, gpu)),
  };
}
