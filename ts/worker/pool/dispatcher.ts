import { WorkerCallError } from '../errors.ts';
import { cancelledError } from '../pendingCalls.ts';
import type { Member } from './member.ts';

/** A piece of work for whoever is free. */
export interface Task<T> {
  /** What it may cost, in tokens. */
  tokens: number;
  /** Who may do it. Asked again whenever somebody is free. */
  fits(member: Member): boolean;
  /** @param signal aborted when the member's connection is lost, and somebody else is to do it */
  run(member: Member, signal: AbortSignal): Promise<T>;
}

interface Entry {
  task: Task<unknown>;
  signal: AbortSignal | undefined;
  /** Workers that ended, or had to be brought up to date, while they had it; and what each said. */
  lostBy: Set<Member>;
  losses: string[];
  resolve(value: never): void;
  reject(error: unknown): void;
  forget(): void;
}

/** Requests that a worker is given at a time: one that runs, and one that is there when it ends. */
const REQUESTS_PER_MEMBER = 2;

/** How many workers one task may cost before it is taken for the reason. */
export const MOST_LOSSES = 4;

/**
 * Spreads tasks over members, first come, first served, each to the member with the fewest outstanding
 * tokens. A member has a bounded number of requests at a time: what is not under way waits here, so that
 * neither this process nor a worker fills up. A task whose member is lost goes to the front again.
 */
export class Dispatcher {
  private readonly members: ReadonlySet<Member>;
  private readonly queue: Entry[] = [];
  private readonly onStuck: () => void;
  private closed: { error: WorkerCallError; begun: WorkerCallError } | undefined;

  /**
   * @param members whoever is there; the pool adds and removes
   * @param onStuck called when something waits that none of them can do
   */
  constructor(members: ReadonlySet<Member>, onStuck: () => void) {
    this.members = members;
    this.onStuck = onStuck;
  }

  /** Tasks that wait for a member. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Whether something waits that no member can do, busy or not. */
  get stuck(): boolean {
    return this.queue.some(({ task }) => !this.anyFits(task));
  }

  /**
   * Have a task done.
   * @throws WorkerCallError: what the task fails with, `cancelled`, or `worker_gone` when it cost several
   *   workers or nobody is left to do it
   */
  run<T>(task: Task<T>, signal?: AbortSignal): Promise<T> {
    if (this.closed !== undefined) return Promise.reject(this.closed.error);
    if (signal?.aborted) return Promise.reject(cancelledError());
    return new Promise<T>((resolve, reject) => {
      const onAbort = (): void => this.withdraw(entry);
      const entry: Entry = {
        task,
        signal,
        lostBy: new Set(),
        losses: [],
        resolve,
        reject,
        forget: () => signal?.removeEventListener('abort', onAbort),
      };
      signal?.addEventListener('abort', onAbort);
      this.queue.push(entry);
      this.wake();
    });
  }

  /** Somebody joined, left, is free or can do more than before. */
  wake(): void {
    for (const entry of [...this.queue]) {
      if (![...this.members].some(hasRoom)) break;
      const member = this.choose(entry);
      if (member === undefined) continue;
      this.queue.splice(this.queue.indexOf(entry), 1);
      void this.assign(entry, member);
    }
    if (this.stuck) this.onStuck();
  }

  /** Reject what waits and no member can do. */
  giveUp(error: WorkerCallError): void {
    this.reject(error, ({ task }) => !this.anyFits(task));
  }

  /**
   * Reject what waits, what loses its member from now on, and whatever is asked then.
   * @param begun the error for what was asked before, if it is another
   */
  close(error: WorkerCallError, begun = error): void {
    this.closed = { error, begun };
    this.reject(begun, () => true);
  }

  private reject(error: WorkerCallError, which: (entry: Entry) => boolean): void {
    const rejected = this.queue.filter(which);
    for (const entry of rejected) {
      this.queue.splice(this.queue.indexOf(entry), 1);
      entry.forget();
      entry.reject(withLoss(error, entry.losses.at(-1)));
    }
  }

  private anyFits(task: Task<unknown>): boolean {
    return [...this.members].some((member) => task.fits(member));
  }

  private choose({ task, lostBy }: Entry): Member | undefined {
    const able = [...this.members].filter((member) => task.fits(member));
    // One that fails at once is always free: it gets what it lost again only where nobody else can do it.
    const others = able.filter((member) => !lostBy.has(member));
    let best: Member | undefined;
    for (const member of others.length > 0 ? others : able) {
      if (!hasRoom(member)) continue;
      if (best === undefined || member.outstandingTokens < best.outstandingTokens) best = member;
    }
    return best;
  }

  private async assign(entry: Entry, member: Member): Promise<void> {
    const { task, signal, forget, resolve, reject } = entry;
    member.outstandingRequests += 1;
    member.outstandingTokens += task.tokens;
    try {
      const value = await member.whileConnected((outage) => task.run(member, outage));
      forget();
      resolve(value as never);
    } catch (error) {
      const again = isLoss(error) || (isFault(error) && this.hasOthers(entry, member));
      const final = signal?.aborted || !again ? error : this.closed?.begun;
      if (final === undefined) {
        this.requeue(entry, member, error as WorkerCallError);
      } else {
        forget();
        reject(final);
      }
    } finally {
      member.outstandingRequests -= 1;
      member.outstandingTokens -= task.tokens;
      this.wake();
    }
  }

  /** Whether somebody could do it who has not lost it yet. */
  private hasOthers({ task, lostBy }: Entry, member: Member): boolean {
    return [...this.members].some((one) => one !== member && !lostBy.has(one) && task.fits(one));
  }

  private requeue(entry: Entry, member: Member, error: WorkerCallError): void {
    entry.lostBy.add(member);
    entry.losses.push(`${member.hello.workerId}: ${error.message}`);
    if (entry.losses.length < MOST_LOSSES) {
      this.queue.unshift(entry);
      return;
    }
    entry.forget();
    const message = `a request cost ${entry.losses.length} workers, one after another; the last: ${entry.losses.at(-1)}`;
    entry.reject(new WorkerCallError('worker_gone', message, entry.losses.join('\n')));
  }

  private withdraw(entry: Entry): void {
    const index = this.queue.indexOf(entry);
    if (index < 0) return; // its member hears of it
    this.queue.splice(index, 1);
    entry.reject(cancelledError());
  }
}

/** The error for what waits, with what came of it where somebody had it before. */
function withLoss(error: WorkerCallError, loss: string | undefined): WorkerCallError {
  if (loss === undefined || error.message.includes(loss.slice(loss.indexOf(': ') + 2))) return error;
  return new WorkerCallError(error.code, `${error.message}; ${loss}`, error.details);
}

function hasRoom(member: Member): boolean {
  return member.connected && member.outstandingRequests < REQUESTS_PER_MEMBER;
}

/**
 * Whether somebody else (or the same one, up to date) shall try: the worker is gone, holds other weights,
 * or ended the request though nobody here asked for that, as one does that is told to stop.
 */
function isLoss(error: unknown): boolean {
  if (!(error instanceof WorkerCallError)) return false;
  return ['worker_gone', 'stale_weights', 'cancelled'].includes(error.code);
}

/** Whether it may be the worker's own trouble (a full GPU, a broken one), which another need not have. */
function isFault(error: unknown): boolean {
  return error instanceof WorkerCallError && ['internal', 'out_of_memory'].includes(error.code);
}
