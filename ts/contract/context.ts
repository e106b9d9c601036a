import type { Worker } from '../ports/worker.ts';
import type { Capability, Envelope } from '../protocol/generated.ts';
import type { WorkerProcess } from '../worker/spawn.ts';
import type { Requester } from '../worker/typedWorker.ts';
import type { Wire } from './wire.ts';

/** A running worker under test. */
export interface Target {
  worker: Worker;
  /** Packed requests, to send what the typed methods would not let out. */
  requester: Requester;
  /** Absent where the process is somebody else's, or this one. */
  process?: Pick<WorkerProcess, 'kill' | 'ended'>;
}

/** Start a worker's process, which shall connect to the endpoint and know the token. */
export type Spawn = (endpoint: string, token: string) => Promise<WorkerProcess>;

export interface StartOptions {
  /** What the worker is told that we speak; ours unless given. */
  protocolHash?: string;
  /** Aborting it gives up waiting for the worker. */
  signal?: AbortSignal;
}

/** What the suite must know of a worker. */
export interface ContractOptions {
  /**
   * A worker, connected. Called again when a case has ended the one there was, or has left it unusable, and
   * for cases that need one of their own.
   */
  start(how?: StartOptions): Promise<Target>;
  /** Absent: cases that need a process of their own are skipped. */
  spawn?: Spawn;
  /** A model for load_model. */
  source: string;
  /** How far log-probs of one distribution, computed in two ways, may be apart. */
  tolerance: number;
  /** Of a step that moves log-probs visibly and does not overshoot. */
  learningRate: number;
  /** Seconds that a case may take; 60 by default. */
  deadline?: number;
  /** Cases by id that do not hold for this worker, and why. */
  skip?: ReadonlyMap<string, string>;
  /** Aborting it ends the case that runs. */
  signal?: AbortSignal;
}

/** What a case gets. */
export interface Context extends Pick<ContractOptions, 'source' | 'tolerance' | 'learningRate'> {
  /** The worker that the cases share; a case leaves it alive unless it says `ends`. */
  readonly worker: Worker;
  readonly requester: Requester;
  readonly process: Target['process'];
  /** A folder of this case alone, which does not exist yet. */
  readonly folder: string;
  /** Size of a call that takes a second, by verb, once it is known; kept from case to case. */
  readonly sizes: Map<string, number>;
  /** Load the source under a name of this case's own; unloaded after it. */
  load(options?: { trainable?: boolean }): Promise<string>;
  /** Another worker, for this case alone. */
  start(protocolHash?: string): Promise<Target>;
  /**
   * Another worker, behind a connection that sends what the case likes.
   * @param answer to its Hello; a Welcome unless given
   */
  wire(answer?: Envelope): Promise<Wire>;
}

/** What a worker must offer for a case: a capability, or that its process can be started for the case alone. */
export type Need = Capability | 'spawn';

/** One promise, and how to see whether it is kept. */
export interface Case {
  /** Stable; for the command line and for reports that are compared. */
  readonly id: string;
  /** In plain words, in one line. */
  readonly title: string;
  /** The promise, as one sentence. */
  readonly rule: string;
  /** Where it is made: `proto/README.md, SECTION` or `proto/protocol.yml, verbs.NAME`. */
  readonly where: string;
  readonly needs: readonly Need[];
  /** The worker that the cases share is gone after it. */
  readonly ends?: true;
  /** @throws ContractFailure, or whatever error a call gave that should have been answered */
  run(context: Context): Promise<void>;
}
