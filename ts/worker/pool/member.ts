import type { Worker } from '../../ports/worker.ts';
import type { Capability, Hello, Verb } from '../../protocol/generated.ts';
import { WorkerCallError } from '../errors.ts';
import { createTypedWorker, type Requester } from '../typedWorker.ts';

/** A worker as a pool is given it: a session, or one in this process. */
export interface Recruit extends Requester {
  readonly hello: Hello;
  /** Resolves with the error that ended it. */
  readonly gone: Promise<WorkerCallError>;
  /** Told when its connection is lost, and when there is one again; the pool sets it. */
  onConnection: ((connected: boolean) => void) | undefined;
  /** It is of no use any more, though it may live: end it. */
  giveUp(reason: string): void;
}

/** What a member holds under a model's name. */
export interface Held {
  /** Which load of that name it is; see ModelRecord. */
  generation: number;
  /** Which of that model's published weights; see ModelRecord. */
  publication: number;
}

/** Something under the name, of no load: they begin with 1. */
export const UNKNOWN: Held = { generation: 0, publication: 0 };

/** Verbs that keep a device busy; what only moves weights leaves it waiting. */
const WORK: ReadonlySet<string> = new Set<Verb>(['sample', 'forward', 'forward_backward', 'optim_step']);

/** Requests of a role that a worker may have at any rate: one that runs, and one that is there when it ends. */
const REQUESTS_AT_ANY_RATE = 2;

/** One worker of a pool: what it holds, and how much it was asked for. */
export class Member {
  readonly worker: Worker;
  readonly hello: Hello;
  /** Model name -> what it holds. */
  readonly models = new Map<string, Held>();
  /** Model name -> what it was given and could not prove to hold: it is not given that again. */
  readonly unproven = new Map<string, Held>();
  /** The how manieth that came. */
  readonly number: number;
  /** Tokens and samples still to be done of the requests it has, and how many requests those are. */
  outstandingTokens = 0;
  outstandingSamples = 0;
  readonly outstandingRequests: Record<Capability, number> = { sample: 0, train: 0 };
  /** Whether there is a connection; one that is lost may come back. */
  connected = true;
  /** How it ended, if it has. */
  end: WorkerCallError | undefined;
  /** Told when it begins or ends to work, see {@link Member.isWorking}; the pool sets it. */
  onWork: () => void = () => {};
  private readonly recruit: Recruit;
  private working = 0;
  /** Resolve when the requests that it was sent and has not answered are over. */
  private readonly underWay = new Set<Promise<void>>();
  private readonly interrupted = new Set<() => void>();
  /** The last of the model changes, which go one after another, and how many there are to come. */
  private changes: Promise<unknown> = Promise.resolve();
  private changesToCome = 0;

  constructor(recruit: Recruit, number: number) {
    this.recruit = recruit;
    this.number = number;
    this.hello = recruit.hello;
    const request: Requester['request'] = (verb, ...sent) =>
      this.remember(recruit.request(verb, ...sent), WORK.has(verb));
    this.worker = createTypedWorker({ request }, recruit.hello, async () => {});
  }

  can(capability: Capability): boolean {
    return this.hello.capabilities.includes(capability);
  }

  /**
   * Whether it should be given another request. As long as it has no more samples than it decodes side by side, there
   * is none that waits to fill a place that falls free.
   * @param isSlow whether it samples slowly: then it gets no request before it has answered the one it has
   */
  hasRoom(role: Capability, isSlow = false): boolean {
    if (!this.connected) return false;
    if (role === 'sample' && isSlow) return this.outstandingRequests.sample === 0;
    if (this.outstandingRequests[role] < REQUESTS_AT_ANY_RATE) return true;
    return role === 'sample' && this.outstandingSamples <= this.hello.rows;
  }

  /** Whether it samples, scores or trains just now, as far as is known. */
  get isWorking(): boolean {
    return this.connected && this.working > 0;
  }

  /** Whether it has no request of anybody's. */
  get isIdle(): boolean {
    return this.outstandingRequests.sample + this.outstandingRequests.train === 0;
  }

  /** Resolves when all is over that it has been sent so far: it does what it is sent in that order. */
  async settled(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** See {@link Recruit.giveUp}. */
  giveUp(reason: string): void {
    this.recruit.giveUp(reason);
  }

  /** It lost its connection, or has one again. */
  setConnected(connected: boolean): void {
    this.connected = connected;
    if (!connected) for (const interrupt of this.interrupted) interrupt();
  }

  /**
   * Do something that others can do as well, so that it need not wait for a lost connection to come back.
   * @param stop ends `action`
   * @throws WorkerCallError `worker_gone` as soon as the connection is lost; `stop` is aborted then
   */
  whileConnected<T>(action: (signal: AbortSignal) => Promise<T>, stop = new AbortController()): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const interrupt = (): void => {
        stop.abort();
        reject(new WorkerCallError('worker_gone', `${this.hello.workerId} lost its connection`));
      };
      this.interrupted.add(interrupt);
      action(stop.signal).then(
        (value) => {
          this.interrupted.delete(interrupt);
          resolve(value);
        },
        (error) => {
          this.interrupted.delete(interrupt);
          reject(error);
        },
      );
    });
  }

  private remember<T>(answer: Promise<T>, isWork: boolean): Promise<T> {
    if (isWork) this.count(1);
    const forget = (): void => {
      this.underWay.delete(over);
      if (isWork) this.count(-1);
    };
    const over = answer.then(forget, forget);
    this.underWay.add(over);
    return answer;
  }

  private count(change: 1 | -1): void {
    this.working += change;
    this.onWork();
  }

  /** Whether its models are being changed. */
  get isChanging(): boolean {
    return this.changesToCome > 0;
  }

  /** Do something to its models when what was asked before is done. */
  change<T>(action: () => Promise<T>): Promise<T> {
    this.changesToCome += 1;
    const done = this.changes.then(action, action);
    const over = (): void => {
      this.changesToCome -= 1;
    };
    this.changes = done.then(over, over);
    return done;
  }
}
