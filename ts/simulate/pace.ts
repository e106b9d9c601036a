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
  /** Trained weights to the sampler of the same worker; nothing on one that has none. */
  publish(): number;
  sleep(role: Capability): number;
  wake(role: Capability): number;
}
