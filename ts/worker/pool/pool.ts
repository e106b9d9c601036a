import type { Activity } from '../../ports/reporter.ts';
import type { Worker } from '../../ports/worker.ts';
import type {
  CallOptions,
  Capability,
  Hello,
  LoadModelParams,
  LoadModelResult,
  SampleBatch,
  SampleParams,
  VerbTypes,
  WeightsProof,
} from '../../protocol/generated.ts';
import { WorkerCallError } from '../errors.ts';
import { cancelledError } from '../pendingCalls.ts';
import { Dispatcher, type Kind } from './dispatcher.ts';
import { HANDOVER_DEADLINE, Handover, type HandoverOptions } from './handover.ts';
import { type Member, type Recruit, UNKNOWN } from './member.ts';
import { Meter } from './meter.ts';
import { miscount } from './miscount.ts';
import { isOf, type ModelRecord, type WrittenWeights } from './models.ts';
import { Rates, stepsOf } from './rates.ts';
import { Roster, type RosterOptions } from './roster.ts';
import { Turns } from './turns.ts';

export interface PoolOptions extends RosterOptions, HandoverOptions {
  /** Whether those that share a device sleep for each other, see {@link Turns}; false by default: its memory is enough for all. */
  turns?: boolean;
  /** Monotonic milliseconds; `performance.now` unless given. */
  now?(): number;
}

/** Characters a token, roughly: enough to weigh a prompt by. */
const CHARACTERS_PER_TOKEN = 4;

type Params<V extends keyof VerbTypes> = VerbTypes[V]['params'];

/**
 * Many workers as one. Requests to sample are spread over all that can sample; each sample depends on its seed alone,
 * so it does not matter who draws it, and what a lost worker had not answered is drawn by another, once. A
 * model that is trained is trained by one worker; the others get its weights when they are published and
 * serve no sample before they hold them: every request names the version, every answer is checked for it. An
 * average of weights stays with the worker that made it until it is published.
 */
export class Pool implements Worker {
  private readonly roster: Roster;
  private readonly dispatcher: Dispatcher;
  private readonly models = new Map<string, ModelRecord>();
  private readonly handover: Handover;
  private readonly turns: Turns;
  private readonly rates = new Rates<Member>();
  private readonly meter: Meter;
  private readonly now: () => number;
  private readonly onClose: () => Promise<void>;
  private generations = 0;
  private deadline: NodeJS.Timeout | undefined;

  /** @param close ends the workers themselves */
  constructor(options: PoolOptions, close: () => Promise<void>) {
    this.onClose = close;
    this.now = options.now ?? (() => performance.now());
    const { turns = false, handoverDeadline: deadline = HANDOVER_DEADLINE, within } = options;
    this.turns = new Turns({ sleeps: turns, deadline, ...(within === undefined ? {} : { within }) });
    this.meter = new Meter(this.now);
    this.roster = new Roster(options, (member) => {
      this.measure(member);
      if (!this.roster.members.has(member)) {
        this.turns.remove(member);
        this.rates.forget(member);
      }
      this.dispatcher.look(member);
    });
    this.dispatcher = new Dispatcher(this.roster.members, () => this.onStuck(), this.rates.slow);
    this.handover = new Handover(options, (text) => this.roster.say(text));
  }

  /** Workers that are there. */
  get size(): number {
    return this.roster.members.size;
  }

  /** What the workers have done so far. */
  get activity(): Activity {
    return this.meter.read();
  }

  /** What the workers are together. */
  get hello(): Hello {
    return this.roster.hello;
  }

  /**
   * One that was to come will not: what waited for it is given up, unless others may come.
   * @param error why; what is given up is told so
   */
  expectNoLonger(error: WorkerCallError): void {
    this.roster.expectNoLonger(error);
    if (this.roster.expectsMore) return;
    this.forgetDeadline();
    this.dispatcher.giveUp(this.roster.nobody());
  }

  /** Take a worker in. It serves as soon as it holds what it is asked for. */
  add(recruit: Recruit): void {
    this.forgetDeadline();
    this.roster.add(recruit, (member) => {
      member.onWork = () => this.measure(member);
      this.turns.add(member);
    });
  }

  async loadModel(params: LoadModelParams, options?: CallOptions): Promise<LoadModelResult> {
    const { modelId, trainable } = params;
    // What is only scored is not for those that sample: its weights would take their memory.
    const role = trainable ? 'train' : (params.role ?? 'sample');
    // A worker replaces what has the same name, and keeps it when the new one cannot be loaded.
    const { member, result } = await this.roster.ask(
      (one) => one.can(role),
      (one) =>
        this.inTurnOfAll(one, role, () => one.change(() => one.worker.loadModel(params, options)), options?.signal),
      options?.signal,
    );
    this.generations += 1;
    const record: ModelRecord = {
      params,
      generation: this.generations,
      holder: trainable ? member : undefined,
      version: result.weightsVersion,
      publication: 0,
      proof: undefined,
      weights: undefined,
      tasks: { sample: this.kind('sample', () => record), train: this.kind('train', () => record) },
    };
    const replaced = this.models.get(modelId);
    this.models.set(modelId, record);
    if (replaced !== undefined) this.reconsider(replaced);
    member.models.set(modelId, { generation: record.generation, publication: 0 });
    await this.handover.forget(modelId);
    return result;
  }

  /** One that can sample says whether it can sample from it. */
  async inspectModel(params: Params<'inspect_model'>, options?: CallOptions) {
    const inspect = (one: Member) => one.worker.inspectModel(params, options);
    return (await this.roster.ask((one) => one.can('sample'), inspect, options?.signal)).result;
  }

  async unloadModel(
    params: Params<'unload_model'>,
    options?: CallOptions,
  ): Promise<VerbTypes['unload_model']['result']> {
    const { modelId } = params;
    const record = this.find(modelId);
    this.models.delete(modelId);
    this.reconsider(record);
    await Promise.all(
      [...this.roster.members].map((member) => {
        const unloaded = member.change(async () => {
          if (!member.models.delete(modelId)) return;
          await member.worker.unloadModel(params, options).catch(unlessGone);
        });
        // One that is away does it when it comes back.
        return member.connected ? member.whileConnected(() => unloaded).catch(unlessGone) : undefined;
      }),
    );
    await this.handover.forget(modelId);
    return {};
  }

  async sample(params: SampleParams, options: CallOptions = {}): Promise<SampleBatch> {
    const record = this.find(params.modelId);
    if (params.weightsVersion !== undefined && params.weightsVersion !== record.version) {
      const message = `weightsVersion: saw ${params.weightsVersion}, the published weights have ${record.version}`;
      throw new WorkerCallError('stale_weights', message);
    }
    // Who draws it again starts from nothing; for the caller, nothing goes back.
    let furthest = -1;
    const heard: NonNullable<CallOptions['onProgress']> = (progress) => {
      if (progress.done <= furthest) return;
      furthest = progress.done;
      options.onProgress?.(progress);
    };
    return this.dispatcher.run(
      {
        kind: record.tasks.sample,
        tokens: tokensOf(params),
        samples: params.conversations.length * params.n,
        run: (member, signal, progressed) => {
          const onProgress: CallOptions['onProgress'] = (progress) => {
            progressed(progress.total > 0 ? progress.done / progress.total : 0);
            heard(progress);
          };
          return this.sampleFrom(member, record, params, { signal, onProgress });
        },
      },
      options.signal,
    );
  }

  async forward(params: Params<'forward'>, options?: CallOptions): Promise<VerbTypes['forward']['result']> {
    const record = this.find(params.modelId);
    const { holder } = record;
    if (holder !== undefined) {
      return this.inTurn(holder, 'train', () => holder.worker.forward(params, options), options?.signal);
    }
    return this.dispatcher.run(
      {
        kind: record.tasks.train,
        tokens: params.tokens.length,
        samples: 0,
        run: async (member, signal) => {
          await this.inTurn(member, 'train', () => this.bringUpToDate(member, record), signal);
          return this.inTurn(member, 'train', () => member.worker.forward(params, { ...options, signal }), signal);
        },
      },
      options?.signal,
    );
  }

  async forwardBackward(params: Params<'forward_backward'>, options?: CallOptions) {
    const trainer = this.trainerOf(params.modelId);
    return this.inTurn(trainer, 'train', () => trainer.worker.forwardBackward(params, options), options?.signal);
  }

  async optimStep(params: Params<'optim_step'>, options?: CallOptions) {
    const trainer = this.trainerOf(params.modelId);
    return this.inTurn(trainer, 'train', () => trainer.worker.optimStep(params, options), options?.signal);
  }

  async publishWeights(params: Params<'publish_weights'>, options?: CallOptions) {
    const record = this.find(params.modelId);
    const { holder } = record;
    const version = params.weightsVersion ?? record.version + 1;
    const isNew = holder !== undefined && version > record.version;
    const write = (one: Member) => this.handover.write(one, record, version, options);
    const written = isNew ? await this.inTurn(holder, 'train', () => write(holder), options?.signal) : undefined;
    const { member, result } = await this.withHolder(record, options, (one) =>
      this.handover.publish(one, record, { ...params, weightsVersion: version }, options),
    );
    if (written !== undefined) await this.handover.keep(record, written);
    // At the present version nothing has changed.
    if (result.weightsVersion !== record.version) {
      this.published(member, record, result, holder === undefined ? record.weights : written);
    }
    return result;
  }

  /** Done where either model's weights came to be; others are brought there, but no two such can be averaged. */
  async averageWeights(params: Params<'average_weights'>, options?: CallOptions) {
    const [record, other] = [this.find(params.modelId), this.find(params.towards)];
    const place = record.holder ?? other.holder;
    if (place !== undefined && other.holder !== undefined && place !== other.holder) {
      const message = `towards: ${params.towards} is at ${other.holder.hello.workerId}, ${params.modelId} at ${place.hello.workerId}`;
      throw new WorkerCallError('invalid_request', `${message}: allowed is a model of the same worker`);
    }
    const average = async (member: Member) => {
      await this.bringUpToDate(member, record);
      await this.bringUpToDate(member, other);
      // Where the answer is lost nobody knows what the member holds: who tries again begins anew.
      if (record.holder === undefined) member.models.set(params.modelId, UNKNOWN);
      return member.change(() => member.worker.averageWeights(params, options));
    };
    const inTurn = (one: Member) => this.inTurn(one, 'train', () => average(one), options?.signal);
    const fits = (one: Member) => one.can('train') && this.canServe(one, record) && this.canServe(one, other);
    const { member, result } =
      place === undefined
        ? await this.roster.ask(fits, inTurn, options?.signal)
        : { member: place, result: await inTurn(place) };
    record.holder = member;
    this.reconsider(record);
    if (result.weightsVersion !== record.version) this.published(member, record, result, undefined);
    return result;
  }

  async saveCheckpoint(params: Params<'save_checkpoint'>, options?: CallOptions) {
    const record = this.find(params.modelId);
    return (await this.withHolder(record, options, (one) => one.worker.saveCheckpoint(params, options))).result;
  }

  async loadCheckpoint(params: Params<'load_checkpoint'>, options?: CallOptions) {
    const record = this.find(params.modelId);
    const weightsVersion = params.weightsVersion ?? record.version + 1;
    const { member, result } = await this.withHolder(record, options, (one) =>
      one.worker.loadCheckpoint({ ...params, weightsVersion }, options),
    );
    const { path, manifestSha256 } = params;
    this.published(member, record, result, { path, ...(manifestSha256 === undefined ? {} : { manifestSha256 }) });
    return result;
  }

  /** All that have the role. One that is away has lost what it was doing, and is not waited for. */
  async sleep(params: Params<'sleep'>, options?: CallOptions) {
    const slept = await this.all(params.role, ({ worker }) => worker.sleep(params, options));
    return { freedBytes: slept.reduce((sum, { freedBytes }) => sum + freedBytes, 0) };
  }

  async wake(params: Params<'wake'>, options?: CallOptions) {
    await this.all(params.role, async (member) => {
      await member.worker.wake(params, options);
      this.turns.mayHaveWoken(member);
    });
    return {};
  }

  private all<T>(role: Capability, ask: (member: Member) => Promise<T>): Promise<T[]> {
    const there = [...this.roster.members].filter((member) => member.connected && member.can(role));
    return Promise.all(there.map((member) => member.whileConnected(() => ask(member))));
  }

  async ping(params: Params<'ping'>, options?: CallOptions) {
    const there = [...this.roster.members].filter(({ connected }) => connected);
    const asked = there.map((member) => member.whileConnected(() => member.worker.ping(params, options)));
    const pings = (await Promise.allSettled(asked)).flatMap((ping) => (ping.status === 'fulfilled' ? ping.value : []));
    if (pings.length === 0) throw this.roster.nobody();
    return {
      busy: pings.find(({ busy }) => busy !== '')?.busy ?? '',
      progress: pings.reduce((sum, { progress }) => sum + progress, 0),
    };
  }

  /** That of the first: a caller who wants them all asks each worker, before they are one. */
  async inspectMachine(params: Params<'inspect_machine'>, options?: CallOptions) {
    const first = [...this.roster.members].find(({ connected }) => connected);
    if (first === undefined) throw this.roster.nobody();
    return first.whileConnected(() => first.worker.inspectMachine(params, options));
  }

  /** Requests of a pool have no ids: its calls are cancelled by their signal. */
  async cancel(): Promise<VerbTypes['cancel']['result']> {
    return { found: false };
  }

  async shutdown(params: Params<'shutdown'>): Promise<VerbTypes['shutdown']['result']> {
    // What their cancelling ends must not be given to another of them.
    this.dispatcher.close(new WorkerCallError('worker_gone', 'the workers were told to stop'), cancelledError());
    const there = [...this.roster.members].filter(({ connected }) => connected);
    await Promise.all(there.map(({ worker }) => worker.shutdown(params).catch(unlessGone)));
    return {};
  }

  async close(): Promise<void> {
    this.forgetDeadline();
    this.roster.close();
    this.dispatcher.close(new WorkerCallError('worker_gone', 'the pool of workers was closed'));
    try {
      await this.onClose();
    } finally {
      await this.handover.close();
    }
  }

  private async sampleFrom(
    member: Member,
    record: ModelRecord,
    params: SampleParams,
    options: CallOptions,
  ): Promise<SampleBatch> {
    const { modelId } = params;
    const { signal } = options;
    await this.inTurn(member, 'sample', () => this.bringUpToDate(member, record), signal);
    const current = { ...params, weightsVersion: record.version };
    try {
      const batch = await this.inTurn(member, 'sample', () => this.timed(member, current, options), signal);
      if (batch.weightsVersion === record.version) return checkCounts(batch, params, member);
      const message = `it sampled from weights of version ${batch.weightsVersion} instead of ${record.version}`;
      throw new WorkerCallError('stale_weights', message);
    } catch (error) {
      const { code, message } = error as WorkerCallError;
      if (code !== 'stale_weights' && code !== 'unknown_model') throw error;
      this.roster.say(`${member.hello.workerId} does not hold the current weights of ${modelId}: it gets them again`);
      member.models.delete(modelId);
      throw new WorkerCallError('stale_weights', message);
    }
  }

  /** Have a member sample, and see whether it is slow. */
  private async timed(member: Member, params: SampleParams, options: CallOptions): Promise<SampleBatch> {
    const sent = this.now();
    const batch = await member.worker.sample(params, options);
    this.meter.sampled(batch.tokens.length);
    if (!this.roster.members.has(member)) return batch;
    const seconds = (this.now() - sent) / 1000;
    for (const { who, rate, others, isFirst } of this.rates.add(member, stepsOf(batch, member.hello.rows), seconds)) {
      const pace = `draws ${rounded(rate)} tokens/s of a sample, the others ${rounded(others)}`;
      if (isFirst) this.roster.say(`${who.hello.workerId} ${pace}: it is slow`);
      this.dispatcher.look(who);
    }
    return batch;
  }

  private measure(member: Member): void {
    this.meter.look(member, member.connected && this.roster.members.has(member));
  }

  /** Do something in a role of a member when it is its turn. Not from within `change`, which those at work wait for. */
  private inTurn<T>(member: Member, role: Capability, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.turns.use(member, role, action, signal);
  }

  /** The same for a verb that the member may need its other role for too. */
  private inTurnOfAll<T>(member: Member, role: Capability, action: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const act = () => action().finally(() => this.turns.mayHaveWoken(member));
    return this.inTurn(member, role, act, signal);
  }

  private kind(role: Capability, record: () => ModelRecord): Kind {
    return {
      role,
      fits: (member) => member.can(role) && this.canServe(member, record()),
      holds: (member) => holds(member, record()),
      isOver: () => !this.isCurrent(record()),
      lost: () => this.lostWeights(record()),
    };
  }

  /** Others than before may serve a model. */
  private reconsider({ tasks }: ModelRecord): void {
    for (const kind of Object.values(tasks)) this.dispatcher.reconsider(kind);
  }

  /** Whether a model is still loaded: neither unloaded nor replaced. */
  private isCurrent(record: ModelRecord): boolean {
    return this.models.get(record.params.modelId) === record;
  }

  /** Whether a member holds a model's published weights or can be given them. */
  private canServe(member: Member, record: ModelRecord): boolean {
    if (!this.isCurrent(record) || holds(member, record)) return true;
    const areSource = record.publication === 0 || record.holder === undefined;
    return (areSource || record.weights !== undefined) && !isOf(record, member.unproven);
  }

  /** The error where the published weights were nowhere but with a worker that is gone: nobody to come can serve them. */
  private lostWeights({ params, holder, publication, weights }: ModelRecord): WorkerCallError | undefined {
    const areElsewhere = publication === 0 || weights !== undefined;
    if (areElsewhere || holder?.end === undefined) return undefined;
    const { message, details } = holder.end;
    const lost = `the weights of ${params.modelId} were lost with the worker that trained or averaged it`;
    return new WorkerCallError('worker_gone', `${lost}: ${message}`, details);
  }

  private async bringUpToDate(member: Member, record: ModelRecord): Promise<void> {
    const { modelId } = record.params;
    if (!member.isChanging && this.isCurrent(record) && holds(member, record)) return;
    await member.change(async () => {
      if (!this.isCurrent(record)) throw unknownModel(modelId); // unloaded or replaced meanwhile
      if (holds(member, record)) return;
      if (member === record.holder) throw holderLostModel(modelId);
      await this.handover.bring(member, record).finally(() => this.turns.mayHaveWoken(member));
    });
  }

  private find(modelId: string): ModelRecord {
    const record = this.models.get(modelId);
    if (record === undefined) throw unknownModel(modelId);
    return record;
  }

  /** Who trains a model. @throws WorkerCallError `unknown_model` or `not_trainable` */
  private trainerOf(modelId: string): Member {
    const { holder, params } = this.find(modelId);
    if (holder !== undefined && params.trainable) return holder;
    throw new WorkerCallError('not_trainable', `modelId: ${modelId} was loaded with trainable: false`);
  }

  /** Ask the holder of a model, or of one that has none somebody who has been given it. */
  private async withHolder<T>(
    record: ModelRecord,
    options: CallOptions | undefined,
    action: (member: Member) => Promise<T>,
  ) {
    const { holder } = record;
    const { signal } = options ?? {};
    if (holder !== undefined) {
      return { member: holder, result: await this.inTurnOfAll(holder, 'train', () => action(holder), signal) };
    }
    const act = (member: Member): Promise<T> => {
      const upToDate = async () => {
        await this.bringUpToDate(member, record);
        return action(member);
      };
      return this.inTurnOfAll(member, 'sample', upToDate, signal);
    };
    return this.roster.ask((one) => one.can('sample') && this.canServe(one, record), act, signal);
  }

  private published(
    holder: Member,
    record: ModelRecord,
    { weightsVersion, proof }: { weightsVersion: number; proof?: WeightsProof },
    weights: WrittenWeights | undefined,
  ): void {
    record.version = weightsVersion;
    record.publication += 1;
    record.proof = proof;
    record.weights = weights;
    holder.models.set(record.params.modelId, { generation: record.generation, publication: record.publication });
    this.reconsider(record);
  }

  /** Something waits that nobody can do: give it up, at once or after the deadline for somebody to come. */
  private onStuck(): void {
    if (!this.roster.expectsMore) this.dispatcher.giveUp(this.roster.nobody());
    else
      this.deadline ??= setTimeout(() => {
        this.deadline = undefined;
        this.dispatcher.giveUp(this.roster.nobody());
      }, this.roster.joinDeadline);
  }

  private forgetDeadline(): void {
    clearTimeout(this.deadline);
    this.deadline = undefined;
  }
}

function rounded(rate: number): string {
  return rate < 10 ? rate.toPrecision(2) : rate.toFixed(0);
}

/** What a request to sample may cost at most, in tokens: the measure by which work is spread. */
function tokensOf({ conversations, n, sampling }: SampleParams): number {
  let characters = 0;
  for (const { messages } of conversations) for (const { content } of messages) characters += content.length;
  return characters / CHARACTERS_PER_TOKEN + conversations.length * n * sampling.maxTokens;
}

/** @throws WorkerCallError `internal` when a worker did not answer all that it was asked, or more */
function checkCounts(batch: SampleBatch, params: SampleParams, { hello }: Member): SampleBatch {
  const problem = miscount(batch, params);
  if (problem === undefined) return batch;
  throw new WorkerCallError('internal', `the samples of ${hello.workerId} are not those it was asked for: ${problem}`);
}

function holds(member: Member, record: ModelRecord): boolean {
  return isOf(record, member.models);
}

function unknownModel(modelId: string): WorkerCallError {
  return new WorkerCallError('unknown_model', `modelId: no model is loaded as ${JSON.stringify(modelId)}`);
}

function holderLostModel(modelId: string): WorkerCallError {
  return new WorkerCallError(
    'worker_gone',
    `the worker that trained or averaged ${modelId} does not hold its weights any more`,
  );
}

/** For calls whose effect the end of the worker has as well. */
function unlessGone(error: unknown): void {
  if (!(error instanceof WorkerCallError) || !['worker_gone', 'unknown_model'].includes(error.code)) throw error;
}
