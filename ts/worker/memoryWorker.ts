import { hostname } from 'node:os';
import type { Worker } from '../ports/worker.ts';
import type { Hello, LoadModelParams, LoadModelResult, Verb, VerbTypes } from '../protocol/generated.ts';
import { LOSS_VALUES, PROTOCOL_HASH, VERBS } from '../protocol/generated.ts';
import { ProtocolError } from '../protocol/primitives.ts';
import { onceAborted } from './aborts.ts';
import { packResult, unpackParams } from './codec.ts';
import { WorkerCallError } from './errors.ts';
import { loadCheckpoint, loadWeights, saveCheckpoint } from './memory/checkpoints.ts';
import { checkLimits } from './memory/limits.ts';
import { sha256Of } from './memory/manifest.ts';
import { MemoryModel, type Pace } from './memory/model.ts';
import { CONTEXT_LENGTH, initialWeights } from './memory/policy.ts';
import { stream } from './memory/random.ts';
import { reportOf } from './memory/report.ts';
import { VOCABULARY } from './memory/text.ts';
import { cancelledError } from './pendingCalls.ts';
import type { RequestOptions } from './session.ts';
import { createTypedWorker, type Requester } from './typedWorker.ts';
import { unknownMachine } from './unknownMachine.ts';

/** The sources that exist without a checkpoint start so; what follows has no meaning. */
const SOURCE_PREFIX = 'memory:';

/**
 * A worker in this process: a bigram model over bytes that samples and learns as the protocol says,
 * in milliseconds. Requests are packed and unpacked as on a wire, so nothing is shared by reference. Only
 * checkpoints outlive it: they are folders.
 */
export function createMemoryWorker(): Worker & { readonly requester: Requester } {
  const requester = new MemoryRequester();
  const hello: Hello = {
    kind: 'Hello',
    protocolHash: PROTOCOL_HASH,
    token: '',
    workerId: 'memory',
    instanceId: 'memory',
    backend: 'memory',
    capabilities: ['sample', 'train'],
    losses: [...LOSS_VALUES],
    versions: { node: process.versions.node },
    pid: process.pid,
    devices: [],
    rows: 1,
  };
  return { ...createTypedWorker(requester, hello, () => requester.close()), requester };
}

interface Job {
  readonly verb: Verb;
  /** Whether it shall end; one that still waits has been answered. */
  cancelled: boolean;
  reject(error: WorkerCallError): void;
}

class MemoryRequester implements Requester {
  private readonly models = new Map<string, MemoryModel>();
  private readonly jobs = new Map<number, Job>();
  private running: Job | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private lastId = 0;
  private workDone = 0;
  private stopped = false;

  async request(verb: string, params: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    if (this.stopped) throw new WorkerCallError('worker_gone', 'the worker was shut down');
    if (options.signal?.aborted) throw cancelledError();
    if (!isVerb(verb)) {
      const allowed = Object.keys(VERBS).join(', ');
      throw new WorkerCallError('invalid_request', `verb: saw ${JSON.stringify(verb)}, allowed are ${allowed}`);
    }
    this.lastId += 1;
    const id = this.lastId;
    if (VERBS[verb].control) return this.control(verb, params);

    return new Promise<Uint8Array>((resolve, reject) => {
      const job: Job = { verb, cancelled: false, reject };
      const unwatch = onceAborted(options.cancellable ? options.signal : undefined, () => this.cancel(job));
      const forget = (): void => {
        unwatch();
        this.jobs.delete(id);
      };
      this.jobs.set(id, job);
      // One at a time, first come, first served.
      this.last = this.last.then(() => this.run(job, params, options).then(resolve, reject).finally(forget));
    });
  }

  async close(): Promise<void> {
    this.stop();
    await this.last;
  }

  private stop(): void {
    this.stopped = true;
    for (const job of this.jobs.values()) this.cancel(job);
  }

  private cancel(job: Job): void {
    job.cancelled = true;
    if (job !== this.running) job.reject(cancelledError());
  }

  private control(verb: Verb, bytes: Uint8Array): Uint8Array {
    if (verb === 'ping') {
      unpack(verb, bytes);
      return packResult(verb, { busy: this.running?.verb ?? '', progress: this.workDone });
    }
    if (verb === 'inspect_machine') {
      unpack(verb, bytes);
      return packResult(verb, {
        ...unknownMachine(hostname()),
        clock: (performance.timeOrigin + performance.now()) / 1000,
      });
    }
    if (verb === 'cancel') {
      const job = this.jobs.get(unpack(verb, bytes).id);
      if (job !== undefined) this.cancel(job);
      return packResult(verb, { found: job !== undefined });
    }
    unpack('shutdown', bytes);
    this.stop();
    return packResult('shutdown', {});
  }

  private async run(job: Job, bytes: Uint8Array, options: RequestOptions): Promise<Uint8Array> {
    if (job.cancelled) throw cancelledError();
    this.running = job;
    const pace: Pace = {
      tick: async (done, total) => {
        this.workDone += 1;
        options.onProgress?.({ done, total });
        await new Promise((resolve) => setImmediate(resolve));
        if (job.cancelled) throw cancelledError();
      },
    };
    try {
      return await this.answer(job.verb, bytes, pace);
    } finally {
      this.running = undefined;
      this.workDone += 1;
    }
  }

  private async answer(verb: Verb, bytes: Uint8Array, pace: Pace): Promise<Uint8Array> {
    switch (verb) {
      case 'load_model':
        return packResult(verb, this.loadModel(unpack(verb, bytes)));
      case 'inspect_model': {
        const { source, conversations } = unpack(verb, bytes);
        if (!source.startsWith(SOURCE_PREFIX)) savedWeights(source);
        return packResult(verb, reportOf(conversations));
      }
      case 'unload_model': {
        const { modelId } = unpack(verb, bytes);
        this.model(modelId);
        this.models.delete(modelId);
        return packResult(verb, {});
      }
      case 'sample': {
        const params = unpack(verb, bytes);
        return packResult(verb, await this.model(params.modelId).sample(params, pace));
      }
      case 'forward': {
        const params = unpack(verb, bytes);
        return packResult(verb, await this.model(params.modelId).forward(params, pace));
      }
      case 'forward_backward': {
        const params = unpack(verb, bytes);
        return this.step(verb, params, bytes, (model) => packResult(verb, model.forwardBackward(params)));
      }
      case 'optim_step': {
        const params = unpack(verb, bytes);
        return this.step(verb, params, bytes, (model) => packResult(verb, model.optimStep(params)));
      }
      case 'publish_weights': {
        const { modelId, weightsVersion } = unpack(verb, bytes);
        const model = this.model(modelId);
        return packResult(verb, { weightsVersion: model.publish(weightsVersion), proof: model.proof() });
      }
      case 'average_weights': {
        const { modelId, towards, share } = unpack(verb, bytes);
        const model = this.model(modelId);
        return packResult(verb, { weightsVersion: model.average(this.model(towards), share) });
      }
      case 'save_checkpoint': {
        const { modelId, path, withOptimizer } = unpack(verb, bytes);
        const model = this.model(modelId);
        return packResult(verb, saveCheckpoint(path, model.save(withOptimizer), model.version));
      }
      case 'load_checkpoint': {
        const { modelId, path, manifestSha256, weightsVersion } = unpack(verb, bytes);
        const model = this.model(modelId);
        const version = model.load(loadCheckpoint(path, manifestSha256), weightsVersion);
        return packResult(verb, { weightsVersion: version, steps: model.steps, proof: model.proof() });
      }
      case 'sleep':
        unpack(verb, bytes);
        return packResult(verb, { freedBytes: 0 }); // no device
      case 'wake':
        unpack(verb, bytes);
        return packResult(verb, {});
      default:
        throw new WorkerCallError('internal', `${verb} is a control verb`);
    }
  }

  private loadModel({ modelId, source, trainable, seed }: LoadModelParams): LoadModelResult {
    const weights = source.startsWith(SOURCE_PREFIX) ? initialWeights(stream(seed)) : savedWeights(source);
    this.models.set(modelId, new MemoryModel(weights, trainable));
    return {
      architecture: 'bigram',
      parameters: VOCABULARY ** 2,
      vocabularySize: VOCABULARY,
      contextLength: CONTEXT_LENGTH,
      weightsVersion: 0,
    };
  }

  private step(
    verb: Verb,
    { modelId, seq }: { modelId: string; seq: number },
    bytes: Uint8Array,
    execute: (model: MemoryModel) => Uint8Array,
  ): Uint8Array {
    const model = this.model(modelId);
    model.assertTrainable(modelId);
    const digest = sha256Of(Buffer.concat([Buffer.from(`${verb}\0`), bytes]));
    const known = model.ledger.find(seq, digest);
    if (known !== undefined) return known;
    const answer = execute(model);
    model.ledger.record(seq, digest, answer);
    return answer;
  }

  private model(modelId: string): MemoryModel {
    const model = this.models.get(modelId);
    if (model === undefined) {
      throw new WorkerCallError('unknown_model', `modelId ${modelId}: no model is loaded under this name`);
    }
    return model;
  }
}

function savedWeights(source: string): Float64Array {
  try {
    return loadWeights(source);
  } catch (error) {
    if (!(error instanceof WorkerCallError)) throw error;
    const allowed = `allowed are ${SOURCE_PREFIX}NAME and the path of a checkpoint`;
    throw new WorkerCallError(
      'model_unloadable',
      `source: saw ${JSON.stringify(source)}, ${allowed}: ${error.message}`,
    );
  }
}

function isVerb(verb: string): verb is Verb {
  return Object.hasOwn(VERBS, verb);
}

function unpack<V extends Verb>(verb: V, bytes: Uint8Array): VerbTypes[V]['params'] {
  try {
    const params = unpackParams(verb, bytes);
    checkLimits(verb, params);
    return params;
  } catch (error) {
    if (error instanceof ProtocolError) throw new WorkerCallError('invalid_request', error.message);
    throw error;
  }
}
