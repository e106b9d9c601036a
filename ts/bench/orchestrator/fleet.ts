import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ROOT, WORKER_PACKAGE } from '../../cli/places.ts';
import { WorkerStartError } from '../../worker/errors.ts';
import type { OrchestratorOptions } from './options.ts';

/** What mock workers did and waited for; times in seconds of one clock of the machine. Versions of weights are steps. */
export interface Account {
  /** Messages from and to the orchestrator. */
  received: number;
  sent: number;
  /** Of all workers: without work, though more of the same step was to come. */
  idleSeconds: number;
  /** By step: how many workers got a request, and the sum of the times of the first one of each. */
  firsts: Readonly<Record<string, readonly [count: number, sum: number]>>;
  /** By step: when the last answer was sent. */
  lasts: Readonly<Record<string, number>>;
}

/** Processes full of mock workers that dial in. */
export class Fleet {
  /** Rejects when one ends that was not told to. */
  readonly lost: Promise<never>;
  private readonly processes: ChildProcessByStdio<Writable, Readable, null>[];
  private ending = false;

  /** @param secondsPerSample what a worker takes for a sample; 0: nothing */
  constructor(
    python: string,
    endpoint: string,
    token: string,
    { workers, processes, rows, tokens }: OrchestratorOptions,
    secondsPerSample: number,
  ) {
    // tsc copies no Python into the build.
    const program = join(ROOT, 'ts', 'bench', 'orchestrator', 'fleet.py');
    const firstOf = (index: number): number => Math.floor((index * workers) / processes);
    this.processes = Array.from({ length: processes }, (_, index) => {
      const flags = {
        connect: endpoint,
        first: firstOf(index),
        workers: firstOf(index + 1) - firstOf(index),
        rows,
        tokens,
        'seconds-per-sample': secondsPerSample,
      };
      const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
      return spawn(python, [program, ...args], {
        env: { ...process.env, PYTHONPATH: WORKER_PACKAGE, RZERO_TOKEN: token },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
    });
    const ends = this.processes.map(async (one) => {
      const [exitCode] = await once(one, 'exit');
      if (this.ending) return new Promise<never>(() => {});
      throw new WorkerStartError('worker_start_failed', `mock workers ended with exit code ${exitCode}`);
    });
    this.lost = Promise.race(ends);
    this.lost.catch(() => {}); // whoever awaits it hears of it
  }

  /** End them. @returns what they did, put together */
  async end(): Promise<Account> {
    this.ending = true;
    const accounts = this.processes.map(async ({ stdin, stdout }) => {
      stdin.end();
      return JSON.parse(await text(stdout)) as Account;
    });
    return (await Promise.all(accounts)).reduce(together);
  }

  /** End them at once, whatever they do. */
  kill(): void {
    this.ending = true;
    for (const one of this.processes) one.kill('SIGKILL');
  }
}

function together(one: Account, other: Account): Account {
  const firsts = { ...one.firsts };
  for (const [step, [count, sum]] of Object.entries(other.firsts)) {
    const [before, sumBefore] = firsts[step] ?? [0, 0];
    firsts[step] = [before + count, sumBefore + sum];
  }
  const lasts = { ...one.lasts };
  for (const [step, last] of Object.entries(other.lasts)) lasts[step] = Math.max(lasts[step] ?? 0, last);
  return {
    received: one.received + other.received,
    sent: one.sent + other.sent,
    idleSeconds: one.idleSeconds + other.idleSeconds,
    firsts,
    lasts,
  };
}
