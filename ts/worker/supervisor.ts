import { WorkerCallError, WorkerStartError } from './errors.ts';
import { describeEnd, type ProcessEnd } from './processGroup.ts';
import type { Session } from './session.ts';
import type { WorkerProcess } from './spawn.ts';

/** A worker process that is up, as far as whoever watches over it looks at it. */
export interface Supervised {
  readonly process: Pick<WorkerProcess, 'ended'>;
  readonly session: Pick<Session, 'gone' | 'hasWorked' | 'wasToldToStop'>;
  /** Make it stop, and wait until it has. */
  stop(): Promise<void>;
}

export interface SupervisorOptions<W extends Supervised> {
  /** What to call the worker, whichever process it is at present: `worker 2`. */
  name: string;
  /** Times in a row that it is started again; work that gets done in between begins the count anew. */
  restarts: number;
  /**
   * Start it.
   * @param number the how manieth start it is, from 1
   * @param signal aborted when it is not wanted any more; no process may be left then
   */
  start(number: number, signal: AbortSignal): Promise<W>;
  /** Called when it is up again, not for the first start. */
  onUp(worker: W): void;
  /** Called once, when it will not be started any more though nobody stopped it. */
  onGivenUp(error: WorkerCallError): void;
  /** Told of what is done about its end. */
  say?(text: string): void;
  /** Has something done later, unless the returned function is called before; `setTimeout` unless given. */
  after?(milliseconds: number, action: () => void): () => void;
}

/**
 * - `starting`: its process has not connected yet
 * - `up`: it works
 * - `resting`: it has ended, and waits to be started again
 * - `over`: it was given up, or stopped
 */
type State = 'starting' | 'up' | 'resting' | 'over';

const SHORTEST_REST = 1_000;
const LONGEST_REST = 60_000;

/** Milliseconds before a worker is started again, the `count`th time in a row: 1 s, then twice as long each time, at most 60 s. */
export function restBefore(count: number): number {
  return Math.min(LONGEST_REST, SHORTEST_REST * 2 ** (count - 1));
}

/**
 * Watches over a worker that is started here: when its process ends or is given up, another is started in its place,
 * after a rest, until too many in a row have ended without having worked. Whoever is started again holds nothing: it
 * serves when it has been brought up to date, as any worker that joins.
 */
export class Supervisor<W extends Supervised> {
  private readonly options: SupervisorOptions<W>;
  private readonly unwanted = new AbortController();
  private state: State = 'starting';
  private worker: W | undefined;
  private starts = 0;
  /** Starts again since it last worked. */
  private inARow = 0;
  /** How it ended since then. */
  private ends: string[] = [];
  private starting: Promise<unknown> = Promise.resolve();
  private cancelRest = (): void => {};

  constructor(options: SupervisorOptions<W>) {
    this.options = options;
  }

  /** Whether it is not up, and may be soon. */
  get isExpected(): boolean {
    return this.state === 'starting' || this.state === 'resting';
  }

  /**
   * Start it for the first time.
   * @throws what `start` throws: who does not come up at all is not tried again
   */
  begin(): Promise<W> {
    const first = this.start();
    this.starting = first.catch(() => {});
    return first;
  }

  /** Stop it, whether it is up, starts or rests; it is not started again. Safe to call twice. */
  async stop(): Promise<void> {
    this.state = 'over';
    this.cancelRest();
    this.unwanted.abort();
    await this.starting;
    await this.worker?.stop();
  }

  private async start(): Promise<W> {
    this.starts += 1;
    const worker = await this.options.start(this.starts, this.unwanted.signal);
    this.worker = worker;
    if (this.state === 'over') return worker;
    this.state = 'up';
    let end: ProcessEnd | undefined;
    void worker.process.ended.then((how) => {
      end = how;
    });
    // Before whoever is given the session looks: by the time others hear of its end, it is known what comes of it.
    void worker.session.gone.then((error) => {
      const { hasWorked, wasToldToStop } = worker.session;
      if (wasToldToStop) this.state = 'over';
      if (hasWorked) this.beginAnew();
      this.lost(error, end === undefined ? 'stopped' : describeEnd(end), worker.process.ended);
    });
    return worker;
  }

  private async startAgain(): Promise<void> {
    this.state = 'starting';
    try {
      const worker = await this.start();
      if (this.isUp) this.options.onUp(worker);
    } catch (error) {
      const end = error instanceof WorkerStartError ? error.end : undefined;
      this.lost(asGone(error), end ?? 'not started', Promise.resolve(), `${messageOf(error)}; `);
    }
  }

  private get isUp(): boolean {
    return this.state === 'up';
  }

  private beginAnew(): void {
    this.inARow = 0;
    this.ends = [];
  }

  /**
   * @param ended resolves when nothing is left of it, so that the next process has the devices for itself
   * @param news what nobody has been told yet
   */
  private lost(error: WorkerCallError, how: string, ended: Promise<unknown>, news = ''): void {
    if (this.state === 'over') return;
    const { restarts } = this.options;
    this.ends.push(how);
    if (this.inARow >= restarts) {
      this.state = 'over';
      this.options.onGivenUp(restarts === 0 ? error : this.crashLoop(error));
      return;
    }
    this.inARow += 1;
    this.state = 'resting';
    void ended.then(() => this.rest(news));
  }

  private rest(news: string): void {
    if (this.state !== 'resting') return;
    const { name, restarts, say, after = later } = this.options;
    const milliseconds = restBefore(this.inARow);
    say?.(`${news}${name} is started again in ${milliseconds / 1000} s, ${this.inARow} of ${restarts} times in a row`);
    this.cancelRest = after(milliseconds, () => {
      this.starting = this.startAgain();
    });
  }

  private crashLoop({ message, details }: WorkerCallError): WorkerCallError {
    const { name, restarts } = this.options;
    const times = restarts === 1 ? 'once' : `${restarts} times in a row`;
    const what = `${name} was started again ${times} and did no work any more (${this.ends.join(', ')}): it is given up`;
    return new WorkerCallError('worker_gone', `${what}; the last time, ${message}`, details);
  }
}

function asGone(error: unknown): WorkerCallError {
  if (error instanceof WorkerCallError) return error;
  const details = error instanceof WorkerStartError ? error.details : undefined;
  return new WorkerCallError('worker_gone', messageOf(error), details);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function later(milliseconds: number, action: () => void): () => void {
  const timer = setTimeout(action, milliseconds);
  return () => clearTimeout(timer);
}
