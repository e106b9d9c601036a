import type { CallOptions, PublishWeightsParams, PublishWeightsResult } from '../../protocol/generated.ts';
import { TIMED_OUT, within } from '../deadline.ts';
import { WorkerCallError } from '../errors.ts';
import { type Member, UNKNOWN } from './member.ts';
import { Exchange, isOf, type ModelRecord, type WrittenWeights } from './models.ts';
import { differenceOf } from './proof.ts';

/** Milliseconds, unless another deadline is given. */
export const HANDOVER_DEADLINE = 600_000;

export interface HandoverOptions {
  /**
   * A folder that every worker can read and the trainer can write, for handing over weights; the pool makes
   * it, and removes it in the end. Absent: samplers other than the trainer cannot follow a model's training.
   */
  exchange?: string;
  /**
   * Milliseconds that a worker may take to write, publish or load weights, once it has done what it was asked for
   * before, to sleep or to wake; 600,000 by default.
   */
  handoverDeadline?: number;
  /** Waits for a promise no longer than so many milliseconds; real time unless given. */
  within?: typeof within;
  /** Removes folders of the exchange; from the disk unless given. */
  remove?(paths: readonly string[]): Promise<void>;
}

/**
 * The way of published weights from the worker that made them to the others: it writes them to a folder, publishes
 * them, and each of the others loads them when it is to serve. Whoever loads proves by a checksum and by log-probs
 * that these are the weights; nobody may take longer than the deadline.
 */
export class Handover {
  private readonly exchange: Exchange | undefined;
  private readonly deadline: number;
  private readonly within: typeof within;
  private readonly say: (text: string) => void;

  /** @param say told of every worker that is behind */
  constructor(
    { exchange, handoverDeadline = HANDOVER_DEADLINE, ...options }: HandoverOptions,
    say: (text: string) => void,
  ) {
    this.exchange = exchange === undefined ? undefined : new Exchange(exchange, options.remove);
    this.deadline = handoverDeadline;
    this.within = options.within ?? within;
    this.say = say;
  }

  /**
   * Have the trained weights written down for the others, as those of a version to come.
   * @returns undefined where there is no folder for it
   * @throws WorkerCallError `worker_gone` when that takes too long
   */
  async write(
    holder: Member,
    record: ModelRecord,
    version: number,
    options?: CallOptions,
  ): Promise<WrittenWeights | undefined> {
    if (this.exchange === undefined) return undefined;
    const { modelId } = record.params;
    const path = this.exchange.place();
    const params = { modelId, path, withOptimizer: false, forSampling: true };
    const { manifestSha256 } = await this.inTime(
      holder,
      () => holder.worker.saveCheckpoint(params, options),
      () => this.late(holder, 'write', record, version, `writing them to ${path}`),
    );
    return { path, manifestSha256 };
  }

  /** Remember what was written, once it is published. */
  async keep(record: ModelRecord, { path }: WrittenWeights): Promise<void> {
    await this.exchange?.keep(record, path);
  }

  /** @throws WorkerCallError `worker_gone` when that takes too long */
  publish(
    member: Member,
    record: ModelRecord,
    params: PublishWeightsParams & { weightsVersion: number },
    options?: CallOptions,
  ): Promise<PublishWeightsResult> {
    return this.inTime(
      member,
      () => member.worker.publishWeights(params, options),
      () => this.late(member, 'publish', record, params.weightsVersion, 'publishing them'),
    );
  }

  /**
   * Give a member the published weights. One that cannot prove that it holds them gets all anew, once; then it is
   * not asked to serve them any more. One that is late is given up.
   *
   * @throws WorkerCallError `stale_weights`, or `worker_gone` for one that is late
   */
  async bring(member: Member, record: ModelRecord): Promise<void> {
    if (isOf(record, member.unproven)) {
      const { modelId } = record.params;
      throw new WorkerCallError('stale_weights', `${member.hello.workerId} does not hold the weights of ${modelId}`);
    }
    const first = await this.take(member, record);
    if (first === undefined) return;
    this.say(`${first}: it gets them again`);
    const second = await this.take(member, record);
    if (second === undefined) return;
    this.say(`${second}: it is not asked to serve them`);
    const { generation, publication } = record;
    member.unproven.set(record.params.modelId, { generation, publication });
    throw new WorkerCallError('stale_weights', second);
  }

  /** Remove all that was written of a model. */
  async forget(modelId: string): Promise<void> {
    await this.exchange?.forget(modelId);
  }

  /** Remove all that was written. */
  async close(): Promise<void> {
    await this.exchange?.close();
  }

  /** @returns how it shows that they are not those that were published; the member holds nothing then */
  private async take(member: Member, record: ModelRecord): Promise<string | undefined> {
    const { modelId, source } = record.params;
    const { generation } = record;
    const inTime = <T>(call: () => Promise<T>, doing: string): Promise<T> =>
      this.inTime(member, call, () => {
        const error = this.late(member, 'take', record, record.version, doing);
        member.giveUp(error.message);
        return error;
      });
    if (member.models.get(modelId)?.generation !== generation) {
      member.models.delete(modelId);
      const loaded = { ...record.params, trainable: false };
      await inTime(() => member.worker.loadModel(loaded), `loading the model ${source}`);
      member.models.set(modelId, { generation, publication: 0 });
    }
    const { publication, version: weightsVersion, weights, holder, proof: wanted } = record;
    if (publication === 0) return undefined;
    const load = () => {
      if (weights !== undefined) {
        const params = { modelId, ...weights, weightsVersion };
        return inTime(() => member.worker.loadCheckpoint(params), `loading them from ${weights.path}`);
      }
      if (holder === undefined)
        return inTime(() => member.worker.publishWeights({ modelId, weightsVersion }), 'publishing them');
      throw new WorkerCallError('stale_weights', `the weights of ${modelId} were published to nobody else`);
    };
    const { proof } = await load();
    const difference = wanted && differenceOf(proof, wanted);
    if (difference === undefined) {
      member.models.set(modelId, { generation, publication });
      return undefined;
    }
    member.models.set(modelId, UNKNOWN);
    return `${member.hello.workerId} does not hold the weights of ${modelId}, version ${weightsVersion}: ${difference}`;
  }

  /** The time begins when the member has done what it was asked for before. */
  private async inTime<T>(member: Member, call: () => Promise<T>, lateness: () => WorkerCallError): Promise<T> {
    const before = member.settled();
    const answer = call();
    await Promise.race([answer, before]);
    const result = await this.within(answer, this.deadline);
    if (result !== TIMED_OUT) return result;
    throw lateness();
  }

  private late(
    { hello }: Member,
    phase: 'write' | 'publish' | 'take',
    { params }: ModelRecord,
    version: number,
    doing: string,
  ): WorkerCallError {
    const what = `${hello.workerId} did not ${phase} the weights of ${params.modelId}, version ${version}`;
    return new WorkerCallError('worker_gone', `${what}, within ${this.deadline / 1000} s: it was ${doing}`);
  }
}
