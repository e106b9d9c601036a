import type { Worker } from '../ports/worker.ts';
import type { Envelope } from '../protocol/generated.ts';
import { within } from '../worker/deadline.ts';
import type { WorkerProcess } from '../worker/spawn.ts';
import type { Requester } from '../worker/typedWorker.ts';
import type { Case, Context, ContractOptions, Target } from './context.ts';
import { Exchanges, watchRequester, watchWorker } from './watch.ts';
import { Wire } from './wire.ts';

/** Milliseconds for a case's models to be unloaded. */
const CLEARING = 5_000;

/** What one case sees, and what must be put away after it. */
export class Scene implements Context {
  readonly source: string;
  readonly tolerance: number;
  readonly learningRate: number;
  readonly folder: string;
  readonly sizes: Map<string, number>;
  readonly worker: Worker;
  readonly requester: Requester;
  readonly process: Target['process'];
  /** All requests of the case. */
  readonly exchanges = new Exchanges();
  private readonly over = new AbortController();
  private readonly id: string;
  private readonly options: ContractOptions;
  /** Unwatched: what is put away is no part of the case. */
  private readonly target: Target;
  private readonly loaded: string[] = [];
  private readonly others: Pick<Target, 'worker' | 'process'>[] = [];
  private readonly processes: WorkerProcess[] = [];

  constructor({ id }: Case, target: Target, folder: string, options: ContractOptions, sizes: Map<string, number>) {
    this.id = id;
    this.target = target;
    this.folder = folder;
    this.options = options;
    this.sizes = sizes;
    this.source = options.source;
    this.tolerance = options.tolerance;
    this.learningRate = options.learningRate;
    this.process = target.process;
    this.worker = watchWorker(target.worker, this.exchanges, this.over.signal);
    this.requester = watchRequester(target.requester, this.exchanges, this.over.signal);
  }

  // Fields, not methods: cases take them out of the context.
  readonly load = async ({ trainable = true } = {}): Promise<string> => {
    const modelId = `${this.id}-${this.loaded.length}`;
    await this.worker.loadModel({ modelId, source: this.source, trainable, seed: 7 });
    this.loaded.push(modelId);
    return modelId;
  };

  readonly start = async (protocolHash?: string): Promise<Target> => {
    const target = await this.options.start({
      ...(protocolHash === undefined ? {} : { protocolHash }),
      signal: this.over.signal,
    });
    this.others.push(target);
    return { ...target, worker: watchWorker(target.worker, this.exchanges, this.over.signal) };
  };

  readonly wire = async (answer?: Envelope): Promise<Wire> => {
    if (this.options.spawn === undefined) throw new Error(`the case ${this.id} does not say that it needs spawn`);
    const onProcess = (process: WorkerProcess) => this.processes.push(process);
    const wire = await Wire.open(this.options.spawn, this.exchanges, onProcess, answer);
    this.others.push(wire);
    return wire;
  };

  /** Let go of the shared worker: a case that did not end by itself must not disturb the next. */
  leave(): void {
    this.over.abort();
  }

  /** Unload the case's models and end its own workers. */
  async end(): Promise<void> {
    for (const process of this.processes) process.kill('SIGKILL');
    for (const { process, worker } of this.others) {
      process?.kill('SIGKILL');
      await worker.close();
    }
    // A case may have unloaded its model or ended the worker; that is its own to check.
    const unloaded = this.loaded.map((modelId) => this.target.worker.unloadModel({ modelId }));
    await within(Promise.allSettled(unloaded), CLEARING);
  }
}
