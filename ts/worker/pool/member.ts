import type { Worker } from '../../ports/worker.ts';
import type { Capability, Hello } from '../../protocol/generated.ts';
import type { WorkerCallError } from '../errors.ts';
import { createTypedWorker, type Requester } from '../typedWorker.ts';

/** A worker as a pool is given it: a session, or one in this process. */
export interface Recruit extends Requester {
  readonly hello: Hello;
  /** Resolves with the error that ended it. */
  readonly gone: Promise<WorkerCallError>;
}

/** What a member holds under a model's name. */
export interface Held {
  /** Which load of that name it is; see ModelRecord. */
  generation: number;
  /** Of its published weights. */
  version: number;
}

/** One worker of a pool: what it holds, and how much it was asked for. */
export class Member {
  readonly worker: Worker;
  readonly hello: Hello;
  /** Model name -> what it holds. */
  readonly models = new Map<string, Held>();
  /** Tokens of the requests it works on, and how many those are. */
  outstandingTokens = 0;
  outstandingRequests = 0;
  /** The error that ended it. */
  end: WorkerCallError | undefined;
  /** The last of the model changes, which go one after another. */
  private changes: Promise<unknown> = Promise.resolve();

  constructor(recruit: Recruit) {
    this.hello = recruit.hello;
    this.worker = createTypedWorker(recruit, recruit.hello, async () => {});
  }

  can(capability: Capability): boolean {
    return this.hello.capabilities.includes(capability);
  }

  /** Do something to its models when what was asked before is done. */
  change<T>(action: () => Promise<T>): Promise<T> {
    const done = this.changes.then(action, action);
    this.changes = done.catch(() => {});
    return done;
  }
}
