import type { Worker } from '../../ts/ports/worker.ts';
import type { ProcessEnd } from '../../ts/worker/spawn.ts';
import type { Requester } from '../../ts/worker/typedWorker.ts';

/** A running worker under test. */
export interface Target {
  worker: Worker;
  /** Packed requests, to send what the typed methods would not let out. */
  requester: Requester;
  /** Absent where the worker has no process of its own. */
  process?: { kill(signal: 'SIGKILL'): void; ended: Promise<ProcessEnd> };
}

/** What the suite must know of a worker. */
export interface ContractOptions {
  /** @param protocolHash what the worker is told that we speak; ours unless given */
  start(protocolHash?: string): Promise<Target>;
  /** A model for load_model. */
  source: string;
  /** How far log-probs of one distribution, computed in two ways, may be apart. */
  tolerance: number;
  /** Of a step that moves log-probs visibly and does not overshoot. */
  learningRate: number;
  /** Samples, of up to 64 tokens, that take well over a second together. */
  longSamples: number;
  /** Test names that do not hold for this worker, and why. */
  skip?: readonly { reason: string; tests: readonly string[] }[];
}

/** What a case gets. */
export interface Context
  extends Pick<ContractOptions, 'start' | 'source' | 'tolerance' | 'learningRate' | 'longSamples'> {
  /** The worker that the cases share; a case leaves it alive. */
  readonly target: Target;
  readonly worker: Worker;
  /** A folder of this case alone. */
  readonly folder: string;
  /** Load the source under a name of this case's own; unloaded after it. */
  load(options?: { trainable?: boolean }): Promise<string>;
}

export interface Case {
  name: string;
  run(context: Context): Promise<void>;
}
