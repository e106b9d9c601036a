import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { WORKER_PACKAGE } from '../../cli/places.ts';
import { WorkerStartError } from '../../worker/errors.ts';

export const SIDES = ['ours', 'trl', 'bare'] as const;
export type SideName = (typeof SIDES)[number];

export interface Step {
  seconds: number;
  /** Of the gradient, before clipping. */
  grad_norm: number;
}

/** What all steps came to. */
export interface Outcome {
  /** L2 norm of what the steps changed in the parameters. */
  param_delta_l2: number;
  /** Resident memory when the side was ready, and the most it was until the end; null where there is no /proc. */
  base_bytes: number | null;
  peak_bytes: number | null;
  threads: number;
  versions: Record<string, string>;
}

/** Characters of what a side printed that are kept, to be shown if it fails. */
const TAIL = 4000;

/** The command of one side: py_worker/train_step/side.py. */
export function sideCommand(python: string, name: SideName, fixture: string, threads?: number): [string, ...string[]] {
  const count = threads === undefined ? [] : [`${threads}`];
  return [python, '-m', 'train_step.side', name, fixture, ...count];
}

/** A program in a process of its own, which takes a step when asked: for this bench, a trainer. */
export class Side<Answer = Step, End = Outcome> {
  readonly #command: readonly string[];
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #printed = '';

  /** Start it. @param command says it is ready, answers each line with a step, and the end of them with an outcome */
  constructor(command: readonly [string, ...string[]]) {
    const [program, ...args] = command;
    this.#command = command;
    this.#process = spawn(program, args, {
      env: { ...process.env, PYTHONPATH: WORKER_PACKAGE },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const print = (text: unknown): void => {
      this.#printed = `${this.#printed}${text}`.slice(-TAIL);
    };
    this.#process.on('error', print);
    this.#process.stdin.on('error', () => {}); // that it is gone shows where it does not answer
    this.#process.stderr.setEncoding('utf8').on('data', print);
    this.#ended = once(this.#process, 'close').catch(() => {});
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /**
   * Wait until it has loaded all it needs.
   * @returns what it says of itself
   * @throws WorkerStartError with what it printed, if it ends instead
   */
  ready(): Promise<unknown> {
    return this.#next();
  }

  /** @throws WorkerStartError with what it printed, if it ends instead */
  async step(): Promise<Answer> {
    this.#process.stdin.write('step\n');
    return (await this.#next()) as Answer;
  }

  /** The outcome; all steps of the fixture must have been taken. */
  async finish(): Promise<End> {
    return (await this.#next()) as End;
  }

  async close(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async #next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    await this.#ended;
    throw new WorkerStartError(
      'worker_start_failed',
      `${this.#command.join(' ')}: ended before its time`,
      this.#printed,
    );
  }
}
