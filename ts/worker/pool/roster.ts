import type { Hello } from '../../protocol/generated.ts';
import { PROTOCOL_HASH } from '../../protocol/generated.ts';
import { onceAborted } from '../aborts.ts';
import { WorkerCallError } from '../errors.ts';
import { MOST_LOSSES } from './dispatcher.ts';
import { Member, type Recruit } from './member.ts';

export interface RosterOptions {
  /** Whether workers may still come; asked when none is there that could do what is wanted. None may unless given. */
  expectsMore?(): boolean;
  /** Milliseconds to wait for one, then; 600,000 by default. */
  joinDeadline?: number;
  /** Told of every worker that comes, goes or is behind. */
  onChange?(text: string): void;
}

/** As many rows as a Hello can tell of. */
const MOST_ROWS = 2 ** 20;

/** Who is there: workers join, lose their connection, come back and go. */
export class Roster {
  readonly members: ReadonlySet<Member>;
  private readonly all = new Set<Member>();
  private readonly options: RosterOptions;
  private readonly onChange: (member: Member) => void;
  /** Whoever waits for a worker, to look again. */
  private readonly waiting = new Set<() => void>();
  private lastEnd: WorkerCallError | undefined;
  private givenUp: WorkerCallError | undefined;
  private closing = false;
  private joined = 0;

  /** @param onChange called when somebody came, went, lost its connection or has one again */
  constructor(options: RosterOptions, onChange: (member: Member) => void) {
    this.options = options;
    this.onChange = onChange;
    this.members = this.all;
  }

  get expectsMore(): boolean {
    return !this.closing && (this.options.expectsMore?.() ?? false);
  }

  /** Milliseconds to wait for a worker where none is left. */
  get joinDeadline(): number {
    return this.options.joinDeadline ?? 600_000;
  }

  /** What the workers are together. */
  get hello(): Hello {
    const all = [...this.all].map(({ hello }) => hello);
    return {
      kind: 'Hello',
      protocolHash: PROTOCOL_HASH,
      token: '',
      workerId: `pool of ${all.length}`,
      instanceId: 'pool',
      backend: [...new Set(all.map(({ backend }) => backend))].join('+'),
      capabilities: [...new Set(all.flatMap(({ capabilities }) => capabilities))],
      losses: [...new Set(all.flatMap(({ losses }) => losses))],
      versions: all[0]?.versions ?? {},
      pid: process.pid,
      devices: [...new Set(all.flatMap(({ devices }) => devices))],
      rows: Math.max(
        1,
        Math.min(
          MOST_ROWS,
          all.reduce((sum, { rows }) => sum + rows, 0),
        ),
      ),
    };
  }

  /** @param onMember told of the new member before anybody asks it */
  add(recruit: Recruit, onMember: (member: Member) => void): void {
    this.joined += 1;
    const member = new Member(recruit, this.joined);
    onMember(member);
    this.all.add(member);
    this.say(`${member.hello.workerId} joined, ${this.all.size} in all`);
    recruit.onConnection = (connected) => {
      if (connected !== member.connected) {
        this.say(`${member.hello.workerId} ${connected ? 'is back' : 'lost its connection'}`);
      }
      member.setConnected(connected);
      this.changed(member);
    };
    void recruit.gone.then((error) => {
      this.all.delete(member);
      member.end = error;
      this.lastEnd = error;
      this.say(`${member.hello.workerId} is gone, ${this.all.size} left: ${error.message}`);
      this.changed(member);
    });
    this.changed(member);
  }

  /** One that was to come will not, see `Pool.expectNoLonger`. */
  expectNoLonger(error: WorkerCallError): void {
    this.givenUp = error;
    this.say(error.message);
    this.lookAgain();
  }

  /** Tell whoever follows the workers. That they go when all is over is no news. */
  say(text: string): void {
    if (!this.closing) this.options.onChange?.(text);
  }

  /** The workers are going to be stopped: whoever waits for another hears that there is none. */
  close(): void {
    this.closing = true;
    this.lookAgain();
  }

  /** The error for what nobody can do. */
  nobody(): WorkerCallError {
    const waited = this.expectsMore ? `, and none came within ${this.joinDeadline / 1000} s` : '';
    // Why one does not come any more tells more than how the last of those ended that did.
    const { message, details } = this.givenUp ?? this.lastEnd ?? {};
    const last = message === undefined ? '' : `; ${message}`;
    return new WorkerCallError('worker_gone', `no worker is left that can do this${waited}${last}`, details);
  }

  /**
   * Ask somebody who qualifies, and somebody else where that one is lost.
   * @throws what `action` throws, `cancelled` when the signal is aborted, `worker_gone` when nobody is left
   *   or several were lost
   */
  async ask<T>(
    qualifies: (member: Member) => boolean,
    action: (member: Member) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<{ member: Member; result: T }> {
    for (let losses = 1; ; losses++) {
      const member = await this.find(qualifies, signal);
      try {
        return { member, result: await member.whileConnected(() => action(member)) };
      } catch (error) {
        const lost = error instanceof WorkerCallError && error.code === 'worker_gone';
        if (!lost || losses >= MOST_LOSSES || signal?.aborted) throw error;
      }
    }
  }

  /** The one with the fewest models among those that qualify; waits for one where one may come, or come back. */
  private find(qualifies: (member: Member) => boolean, signal: AbortSignal | undefined): Promise<Member> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        forget();
        this.waiting.delete(look);
      };
      const look = (): void => {
        const suited = [...this.all].filter(qualifies);
        const [first, ...others] = suited.filter(({ connected }) => connected);
        if (first !== undefined) {
          end();
          resolve(others.reduce((best, one) => (one.models.size < best.models.size ? one : best), first));
        } else if (suited.length === 0 && !this.expectsMore) {
          end();
          reject(this.nobody());
        }
      };
      const forget = onceAborted(signal, () => {
        end();
        reject(new WorkerCallError('cancelled', 'the call was cancelled while it waited for a worker'));
      });
      const timer = setTimeout(() => {
        end();
        reject(this.nobody());
      }, this.joinDeadline);
      this.waiting.add(look);
      look();
    });
  }

  private changed(member: Member): void {
    this.lookAgain();
    this.onChange(member);
  }

  private lookAgain(): void {
    for (const look of [...this.waiting]) look();
  }
}
