import type { Capability } from '../../protocol/generated.ts';
import { onceAborted } from '../aborts.ts';
import { WorkerCallError } from '../errors.ts';
import { cancelledError } from '../pendingCalls.ts';
import { Heap } from './heap.ts';
import type { Member } from './member.ts';
import { type Place, Queue } from './queue.ts';

/** What tasks of one model have in common; one object for all of them, since they share a queue. */
export interface Kind {
  role: Capability;
  /** Who may do them. The dispatcher is told when that changes. */
  fits(member: Member): boolean;
  /** Whether a member could begin at once: it needs no weights first. */
  holds(member: Member): boolean;
  /** Whether no more will come: the model is gone. Those that wait are run as ever, and fail. */
  isOver(): boolean;
  /** Why no worker to come can do them either; undefined while one might. */
  lost(): WorkerCallError | undefined;
}

/** A piece of work for whoever is free. */
export interface Task<T> {
  kind: Kind;
  /** What it may cost, in tokens. */
  tokens: number;
  /** How many samples it draws; 0 where it draws none. */
  samples: number;
  /**
   * @param signal aborted when the caller does not want it any more, and when the member's connection is lost and
   *   somebody else is to do it
   * @param progressed to be told what share of it is done, in [0, 1]
   */
  run(member: Member, signal: AbortSignal, progressed: (share: number) => void): Promise<T>;
}

interface Entry {
  task: Task<unknown>;
  signal: AbortSignal | undefined;
  /** The order in which tasks came. */
  number: number;
  /** Where it waits; undefined while somebody has it. */
  place: Place<Entry> | undefined;
  /** Who has it, and what ends it there: two where one of them is slow. */
  runs: Map<Member, AbortController>;
  /** Whether the caller has its answer. */
  isAnswered: boolean;
  /** Workers that ended, or had to be brought up to date, while they had it; and what each said. */
  lostBy: Set<Member>;
  losses: string[];
  resolve(value: never): void;
  reject(error: unknown): void;
  forget(): void;
}

/** The tasks of a kind that wait, and who may do them. */
interface Line {
  kind: Kind;
  waiting: Queue<Entry>;
  /** Who may, busy or not. */
  able: Set<Member>;
  /** Those of them that have room, the least loaded first. */
  free: Heap<Member>;
}

/** How many workers one task may cost before it is taken for the reason. */
export const MOST_LOSSES = 4;

/**
 * Spreads tasks over members, first come, first served within a kind, each to the member with the fewest outstanding
 * tokens; among equals, to one that need not be given the weights first. A member gets as many samples as it decodes
 * side by side, and a request more that waits for them; what is not under way waits here, so that neither this process
 * nor a worker fills up. A task whose member is lost goes to the front again.
 *
 * Who is slow gets samples after all others, one request at a time; when none waits any more, whoever is idle does what
 * a slow one has as well, the first answer counts, and the other one is ended.
 *
 * Every event costs O(log members) for each kind of task, however many wait.
 */
export class Dispatcher {
  private readonly members: ReadonlySet<Member>;
  private readonly lines = new Map<Kind, Line>();
  private readonly onStuck: () => void;
  private readonly slow: ReadonlySet<Member>;
  /** Tasks that somebody has, and that nobody has answered. */
  private readonly running = new Set<Entry>();
  private closed: { error: WorkerCallError; begun: WorkerCallError } | undefined;
  private tasks = 0;

  /**
   * @param members whoever is there; the pool adds and removes
   * @param onStuck called when something waits that none of them can do
   * @param slow who samples slowly; the dispatcher is told to look at those that become so
   */
  constructor(members: ReadonlySet<Member>, onStuck: () => void, slow: ReadonlySet<Member> = new Set()) {
    this.members = members;
    this.onStuck = onStuck;
    this.slow = slow;
  }

  /** Tasks that wait for a member. */
  get waiting(): number {
    let sum = 0;
    for (const { waiting } of this.lines.values()) sum += waiting.size;
    return sum;
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
      this.tasks += 1;
      const entry: Entry = {
        task,
        signal,
        number: this.tasks,
        place: undefined,
        runs: new Map(),
        isAnswered: false,
        lostBy: new Set(),
        losses: [],
        resolve,
        reject,
        forget: onceAborted(signal, () => this.withdraw(entry)),
      };
      const line = this.lineOf(task.kind);
      entry.place = line.waiting.push(entry);
      // Where all are busy there is nothing to do yet.
      if (line.free.size > 0 || line.able.size === 0) this.dispatch();
    });
  }

  /** A member joined, left, lost its connection, has one again, or has become slow or fast. */
  look(member: Member): void {
    this.refresh(member);
    this.dispatch();
  }

  /** Others than before may do tasks of a kind, or it is over. */
  reconsider(kind: Kind): void {
    const line = this.lines.get(kind);
    if (line === undefined) return;
    for (const member of this.members) this.rank(line, member);
    this.dispatch();
  }

  /** Reject what waits and no member can do. */
  giveUp(error: WorkerCallError): void {
    for (const line of this.lines.values()) if (line.able.size === 0) rejectAll(line, error);
  }

  /**
   * Reject what waits, what loses its member from now on, and whatever is asked then.
   * @param begun the error for what was asked before, if it is another
   */
  close(error: WorkerCallError, begun = error): void {
    this.closed = { error, begun };
    for (const line of this.lines.values()) rejectAll(line, begun);
  }

  private lineOf(kind: Kind): Line {
    const known = this.lines.get(kind);
    if (known !== undefined) return known;
    const line: Line = { kind, waiting: new Queue(), able: new Set(), free: new Heap() };
    this.lines.set(kind, line);
    for (const member of this.members) this.rank(line, member);
    return line;
  }

  /** Something of a member changed: what it has to do, what it holds, whether it is there. */
  private refresh(member: Member): void {
    for (const line of this.lines.values()) this.rank(line, member);
  }

  private rank({ kind, able, free }: Line, member: Member): void {
    if (this.members.has(member) && kind.fits(member)) able.add(member);
    else able.delete(member);
    const isSlow = this.slow.has(member);
    if (able.has(member) && member.hasRoom(kind.role, isSlow)) {
      free.set(member, [isSlow ? 1 : 0, member.outstandingTokens, kind.holds(member) ? 0 : 1, member.number]);
    } else free.delete(member);
  }

  /** Give to whoever has room what waits for it. The kind whose first task came first goes first. */
  private dispatch(): void {
    const busy = [...this.lines.values()].filter(({ waiting }) => waiting.size > 0);
    const firstOf = ({ waiting }: Line) => waiting.first?.item.number ?? 0;
    busy.sort((one, other) => firstOf(one) - firstOf(other));
    for (const line of busy) {
      for (let place = line.waiting.first; place !== undefined && line.free.size > 0; ) {
        const { item, next } = place;
        const member = this.choose(line, item);
        if (member !== undefined) {
          line.waiting.delete(place);
          item.place = undefined;
          void this.assign(item, member);
        }
        place = next;
      }
    }
    this.hedge();
    for (const [kind, { waiting }] of this.lines) if (waiting.size === 0 && kind.isOver()) this.lines.delete(kind);
    const stuck = busy.filter(({ waiting, able }) => waiting.size > 0 && able.size === 0);
    for (const line of stuck) {
      const lost = line.kind.lost();
      if (lost !== undefined) rejectAll(line, lost);
    }
    if (stuck.some(({ waiting }) => waiting.size > 0)) this.onStuck();
  }

  /** Where nothing waits any more, have whoever is idle do what a slow one has. */
  private hedge(): void {
    if (this.slow.size === 0) return;
    for (const entry of this.running) {
      const line = this.lines.get(entry.task.kind);
      if (line === undefined || line.waiting.size > 0 || entry.task.samples === 0 || entry.signal?.aborted) continue;
      const [first, second] = entry.runs.keys();
      if (first === undefined || second !== undefined || !this.slow.has(first)) continue;
      const helper = line.free.first;
      if (helper === undefined || !helper.isIdle || this.slow.has(helper) || entry.lostBy.has(helper)) continue;
      void this.assign(entry, helper);
    }
  }

  private choose({ able, free }: Line, { lostBy }: Entry): Member | undefined {
    const { first } = free;
    if (first === undefined || !lostBy.has(first)) return first;
    // One that fails at once is always free: it gets what it lost again only where nobody else can do it.
    if (![...able].some((member) => !lostBy.has(member))) return first;
    let best: Member | undefined;
    for (const member of free) {
      if (lostBy.has(member)) continue;
      if (best === undefined || member.outstandingTokens < best.outstandingTokens) best = member;
    }
    return best;
  }

  private async assign(entry: Entry, member: Member): Promise<void> {
    const { task } = entry;
    const { role } = task.kind;
    // In whole numbers, so that nothing is left when it is done.
    const left = { tokens: 0, samples: 0 };
    const weigh = (share: number): void => {
      const now = { tokens: Math.ceil(share * task.tokens), samples: Math.ceil(share * task.samples) };
      member.outstandingTokens += now.tokens - left.tokens;
      member.outstandingSamples += now.samples - left.samples;
      Object.assign(left, now);
      this.refresh(member);
    };
    let over = false;
    const progressed = (share: number): void => {
      if (over) return;
      weigh(1 - share);
      this.dispatch();
    };
    member.outstandingRequests[role] += 1;
    weigh(1);
    const stop = new AbortController();
    entry.runs.set(member, stop);
    this.running.add(entry);
    const ended = (): void => {
      entry.runs.delete(member);
      if (entry.runs.size === 0) this.running.delete(entry);
    };
    try {
      const value = await member.whileConnected((signal) => task.run(member, signal, progressed), stop);
      ended();
      this.answer(entry, () => entry.resolve(value as never));
    } catch (error) {
      ended();
      this.fail(entry, member, error);
    } finally {
      over = true;
      member.outstandingRequests[role] -= 1;
      weigh(0);
      this.dispatch();
    }
  }

  /** The first answer counts; whoever else has the task is told to let go of it. */
  private answer(entry: Entry, give: () => void): void {
    if (entry.isAnswered) return;
    entry.isAnswered = true;
    this.running.delete(entry);
    entry.forget();
    give();
    for (const stop of entry.runs.values()) stop.abort();
  }

  private fail(entry: Entry, member: Member, error: unknown): void {
    if (entry.isAnswered) return;
    // Somebody else has it too, and will answer.
    if (entry.runs.size > 0) {
      entry.lostBy.add(member);
      return;
    }
    const again = isLoss(error) || (isFault(error) && this.hasOthers(entry, member));
    const final = entry.signal?.aborted || !again ? error : this.closed?.begun;
    if (final === undefined) this.requeue(entry, member, error as WorkerCallError);
    else this.answer(entry, () => entry.reject(final));
  }

  /** Whether somebody could do it who has not lost it yet. */
  private hasOthers({ task, lostBy }: Entry, member: Member): boolean {
    const { able } = this.lineOf(task.kind);
    return [...able].some((one) => one !== member && !lostBy.has(one));
  }

  private requeue(entry: Entry, member: Member, error: WorkerCallError): void {
    entry.lostBy.add(member);
    entry.losses.push(`${member.hello.workerId}: ${error.message}`);
    if (entry.losses.length < MOST_LOSSES) {
      entry.place = this.lineOf(entry.task.kind).waiting.unshift(entry);
      return;
    }
    entry.forget();
    const message = `a request cost ${entry.losses.length} workers, one after another; the last: ${entry.losses.at(-1)}`;
    const details = [...entry.losses, error.details ?? ''].join('\n');
    entry.reject(new WorkerCallError('worker_gone', message, details));
  }

  private withdraw(entry: Entry): void {
    if (entry.place === undefined) {
      for (const stop of entry.runs.values()) stop.abort(); // whoever has it hears of it
      return;
    }
    this.lineOf(entry.task.kind).waiting.delete(entry.place);
    entry.place = undefined;
    entry.reject(cancelledError());
  }
}

function rejectAll({ waiting }: Line, error: WorkerCallError): void {
  for (let place = waiting.first; place !== undefined; place = waiting.first) {
    waiting.delete(place);
    place.item.forget();
    place.item.reject(withLoss(error, place.item.losses.at(-1)));
  }
}

/** The error for what waits, with what came of it where somebody had it before. */
function withLoss(error: WorkerCallError, loss: string | undefined): WorkerCallError {
  if (loss === undefined || error.message.includes(loss.slice(loss.indexOf(': ') + 2))) return error;
  return new WorkerCallError(error.code, `${error.message}; ${loss}`, error.details);
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
