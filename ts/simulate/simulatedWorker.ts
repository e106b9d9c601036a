import type { Capability, Hello, SampleParams, Verb } from '../protocol/generated.ts';
import { LOSS_VALUES, PROTOCOL_HASH, VERBS } from '../protocol/generated.ts';
import { onceAborted } from '../worker/aborts.ts';
import { packResult, unpackParams } from '../worker/codec.ts';
import { WorkerCallError } from '../worker/errors.ts';
import { cancelledError } from '../worker/pendingCalls.ts';
import type { Recruit } from '../worker/pool/member.ts';
import type { RequestOptions } from '../worker/session.ts';
import { unknownMachine } from '../worker/unknownMachine.ts';
import { type Activity, ActivityLog } from './activity.ts';
import { Engine } from './engine.ts';
import { logprobsOf, sum, tokensOf } from './filler.ts';
import { Held } from './held.ts';
import type { WorkerPace } from './pace.ts';
import type { Site } from './site.ts';

export interface SimulatedWorkerOptions {
  name: string;
  capabilities: readonly Capability[];
  /** Names of its GPUs: several that train together, or that hold one engine together. */
  devices: readonly string[];
  /** Samples that its engine decodes side by side. */
  rows: number;
  /** Whether it draws from several models at once, as this project's workers do not: their steps take turns then. */
  mixes: boolean;
  pace: WorkerPace;
}

interface Job {
  readonly verb: Verb;
  /** Of a `sample`: the model. */
  readonly model: string | undefined;
  readonly params: Uint8Array;
  readonly options: RequestOptions;
  resolve(result: Uint8Array): void;
  reject(error: WorkerCallError): void;
  /** Ends it where it runs. */
  cancel: (() => void) | undefined;
}

/**
 * A worker that takes the time of a real one and computes nothing. It keeps to the protocol: packed requests, one after another,
 * those for samples of one model that wait right behind each other together; a sample depends on its seed alone. What it makes up: texts
 * (ts/simulate/text.ts), and tokens and log-probs, which are all the same. Samples of a model that nobody trains are
 * voted on and never trained: they are one token long on the wire, whatever time their true length takes.
 */
export class SimulatedWorker implements Recruit {
  readonly hello: Hello;
  readonly gone: Promise<WorkerCallError>;
  readonly log: ActivityLog;
  onConnection: ((connected: boolean) => void) | undefined;
  private readonly site: Site;
  private readonly mixes: boolean;
  private readonly engine: Engine;
  private readonly held: Held;
  /** A role or a model wakes: nothing begins before it has. */
  private waking = false;
  private readonly waiting: Job[] = [];
  private readonly running = new Set<Job>();
  private readonly onGone: (error: WorkerCallError) => void;
  private failure: WorkerCallError | undefined;

  constructor(site: Site, { name, capabilities, devices, rows, mixes, pace }: SimulatedWorkerOptions) {
    this.site = site;
    this.mixes = mixes;
    this.held = new Held(site, pace, { trains: capabilities.includes('train'), mixes });
    this.log = new ActivityLog(site.time, name, devices, rows);
    this.engine = new Engine(site.time, pace, rows, this.log);
    this.hello = {
      kind: 'Hello',
      protocolHash: PROTOCOL_HASH,
      token: '',
      workerId: name,
      instanceId: name,
      backend: 'simulated',
      capabilities: [...capabilities],
      losses: [...LOSS_VALUES],
      versions: {},
      pid: 0,
      devices: [...devices],
      rows,
    };
    let onGone!: (error: WorkerCallError) => void;
    this.gone = new Promise((resolve) => {
      onGone = resolve;
    });
    this.onGone = onGone;
  }

  /** Whether it has work. */
  get busy(): boolean {
    return this.running.size > 0;
  }

  request(name: string, params: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (options.signal?.aborted) return Promise.reject(cancelledError());
    const verb = name as Verb;
    if (VERBS[verb].control) return Promise.resolve(this.control(verb));
    return new Promise((resolve, reject) => {
      const forget = onceAborted(options.cancellable ? options.signal : undefined, () => this.cancel(job));
      const job: Job = {
        verb,
        model: verb === 'sample' ? unpackParams(verb, params).modelId : undefined,
        params,
        options,
        cancel: undefined,
        resolve: (result) => {
          forget();
          resolve(result);
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      this.waiting.push(job);
      this.next();
    });
  }

  giveUp(reason: string): void {
    this.fail(`${this.hello.workerId} is given up: ${reason}`);
  }

  /** End it in the midst of whatever it does. */
  fail(reason: string): void {
    if (this.failure !== undefined) return;
    this.failure = new WorkerCallError('worker_gone', reason);
    for (const job of [...this.running, ...this.waiting]) {
      job.cancel?.();
      job.reject(this.failure);
    }
    this.running.clear();
    this.waiting.length = 0;
    this.log.stop();
    this.onGone(this.failure);
  }

  private control(verb: Verb): Uint8Array {
    if (verb === 'ping') return packResult(verb, { busy: [...this.running][0]?.verb ?? '', progress: 0 });
    if (verb === 'inspect_machine') return packResult(verb, unknownMachine(this.hello.workerId));
    if (verb === 'cancel') return packResult(verb, { found: false });
    this.fail(`${this.hello.workerId} was told to stop`);
    return packResult('shutdown', {});
  }

  private cancel(job: Job): void {
    const index = this.waiting.indexOf(job);
    if (index >= 0) this.waiting.splice(index, 1);
    else if (this.running.delete(job)) job.cancel?.();
    else return;
    job.reject(cancelledError());
    this.next();
  }

  /** Begin what can begin: samples beside samples of the same model, all else alone. */
  private next(): void {
    for (let [job] = this.waiting; job !== undefined && !this.waking; [job] = this.waiting) {
      const [other] = this.running;
      if (other !== undefined && (other.verb !== 'sample' || job.verb !== 'sample')) return;
      if (other !== undefined && other.model !== job.model && !this.mixes) return;
      this.waiting.shift();
      this.running.add(job);
      this.begin(job);
    }
  }

  /** Wake what sleeps and is needed, a role or a model, then work. */
  private begin(job: Job): void {
    const seconds = this.held.wakeFor(job.verb, job.model);
    if (seconds === 0) {
      this.start(job);
      return;
    }
    this.waking = true;
    this.log.spend('sleep', seconds);
    this.site.time.at(this.site.time.now() + seconds, () => {
      this.waking = false;
      if (this.running.has(job)) this.start(job);
      this.next();
      return true;
    });
  }

  private start(job: Job): void {
    try {
      if (job.verb === 'sample') this.sample(job, unpackParams('sample', job.params));
      else {
        const { activity, seconds, answer } = this.held.work(job.verb, job.params);
        this.spend(job, activity, seconds, answer);
      }
    } catch (error) {
      this.running.delete(job);
      job.reject(error as WorkerCallError);
      this.next();
    }
  }

  /** Answer after so many seconds. */
  private spend(job: Job, activity: Exclude<Activity, 'sample'>, seconds: number, answer: () => Uint8Array): void {
    this.log.spend(activity, seconds);
    this.site.time.at(this.site.time.now() + seconds, () => {
      if (this.running.has(job)) this.finish(job, answer());
      return true;
    });
  }

  private finish(job: Job, answer: Uint8Array): void {
    this.running.delete(job);
    job.resolve(answer);
    this.next();
  }

  private sample(job: Job, { modelId, conversations, n, seeds, sampling, weightsVersion }: SampleParams): void {
    const { version } = this.held.model(modelId);
    if (weightsVersion !== undefined && weightsVersion !== version) {
      throw new WorkerCallError('stale_weights', `${modelId} has version ${version}, asked for was ${weightsVersion}`);
    }
    const { site } = this;
    const drawn = conversations.flatMap((conversation, row) =>
      Array.from({ length: n }, (_, index) => site.draw(conversation, seeds[row] as number, index, sampling.maxTokens)),
    );
    const prompts = conversations.map((conversation) => site.promptLength(conversation));
    const sizes = drawn.map(({ length }, index) => {
      const prompt = prompts[Math.floor(index / n)] as number;
      return { length, prompt, fresh: index % n === 0 ? prompt : 0 };
    });
    const answer = () => {
      site.samples += drawn.length;
      site.tokens += drawn.reduce((sum, { length }) => sum + length, 0);
      const isTrained = site.trained.has(modelId);
      const lengths = Int32Array.from(drawn, ({ length }) => (isTrained ? length : 1));
      const promptLengths = Int32Array.from(prompts, (length) => (isTrained ? length : 1));
      const tokens = sum(lengths);
      return packResult('sample', {
        weightsVersion: version,
        promptTokens: tokensOf(sum(promptLengths)),
        promptLengths,
        tokens: tokensOf(tokens),
        lengths,
        logprobs: logprobsOf(tokens),
        texts: drawn.map(({ text }) => text),
        stopReasons: drawn.map(({ stopReason }) => stopReason),
      });
    };
    if (sizes.length === 0) {
      this.finish(job, answer());
      return;
    }
    const { cancel } = this.engine.draw(modelId, sizes, (ended) => {
      job.options.onProgress?.({ done: ended, total: sizes.length });
      if (ended === sizes.length) this.finish(job, answer());
      return true;
    });
    job.cancel = () => {
      site.lostTokens += cancel();
    };
  }
}
