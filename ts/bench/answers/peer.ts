import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { ROOT } from '../../cli/places.ts';
import type { Grader, Outcome } from './grader.ts';

export const PEERS = ['math-verify', 'mathruler'] as const;

/** Time to import SymPy, in milliseconds. */
const START_MS = 120_000;

/** A program that lies in ts/bench/answers: tsc copies no Python into the build. */
export const programPath = (name: string): string => `${ROOT}/ts/bench/answers/${name}`;

/**
 * A grader of others, in a process of its own that stays until it is over its limit; the next pair then gets a new one.
 */
export class Peer implements Grader {
  readonly name: string;
  readonly #command: readonly [string, ...string[]];
  readonly #limitMs: number;
  #process: ChildProcess | undefined;
  #answer: ((line: string | null) => void) | undefined;

  /**
   * @param command starts a filter that says when it is ready, and then answers lines as peer.py does
   * @param limitMs milliseconds for one pair
   */
  constructor(name: string, command: readonly [string, ...string[]], limitMs: number) {
    this.name = name;
    this.#command = command;
    this.#limitMs = limitMs;
  }

  /** @throws Error when the program cannot be started */
  async grade(gold: string, pred: string): Promise<Outcome> {
    if (this.#process === undefined) await this.#start();
    const start = performance.now();
    this.#process?.stdin?.write(`${JSON.stringify({ gold, pred })}\n`);
    const line = await this.#next(this.#limitMs);
    const milliseconds = performance.now() - start;
    if (typeof line !== 'string') {
      await this.close();
      return { equal: null, milliseconds, hung: line === undefined, failed: line === null };
    }
    const { equal, ms, error } = JSON.parse(line);
    return { equal, milliseconds: ms, hung: false, failed: error !== null };
  }

  async close(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async #start(): Promise<void> {
    const [program, ...args] = this.#command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#process = child;
    const settle = (line: string | null): void => {
      // One that was killed may still have something to say.
      if (this.#process === child) this.#answer?.(line);
    };
    child.on('error', () => settle(null));
    child.on('close', () => settle(null));
    child.stdin.on('error', () => {});
    createInterface({ input: child.stdout }).on('line', settle);
    if (typeof (await this.#next(START_MS)) !== 'string') {
      await this.close();
      throw new Error(`${this.#command.join(' ')}: does not start`);
    }
  }

  /** The next line; null when the process ends before, undefined when time is up. */
  #next(limitMs: number): Promise<string | null | undefined> {
    return new Promise((resolve) => {
      const settle = (line: string | null | undefined): void => {
        clearTimeout(timer);
        this.#answer = undefined;
        resolve(line);
      };
      const timer = setTimeout(settle, limitMs, undefined);
      this.#answer = settle;
    });
  }
}
