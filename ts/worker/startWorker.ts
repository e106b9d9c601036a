import { randomBytes } from 'node:crypto';
import type { Worker } from '../ports/worker.ts';
import type { Hello } from '../protocol/generated.ts';
import { packParams } from './codec.ts';
import { TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError, WorkerStartError } from './errors.ts';
import { WorkerLink } from './link.ts';
import { type ProcessEnd, type SpawnOptions, spawnWorker, type WorkerProcess } from './spawn.ts';
import { createTypedWorker } from './typedWorker.ts';

/** Milliseconds that each step of stopping a worker may take. */
export interface StopDeadlines {
  /** After its connection was lost, for the process to end by itself, which then explains the loss. */
  loss: number;
  /** From `shutdown` to SIGTERM. */
  shutdown: number;
  /** From SIGTERM to SIGKILL. */
  terminate: number;
  /** From SIGKILL until it counts as unkillable. */
  kill: number;
}

export interface StartWorkerOptions extends Omit<SpawnOptions, 'endpoint' | 'token'> {
  /** Milliseconds from the start of the process to its Hello; 120,000 by default. */
  startDeadline?: number;
  stopDeadlines?: StopDeadlines;
  /** Aborting it gives up waiting for the worker. */
  signal?: AbortSignal;
  /** Ours unless a test says otherwise. */
  protocolHash?: string;
}

/** A worker, with what tests and diagnosis need of its process and connection. */
export interface ProcessWorker extends Worker {
  readonly process: WorkerProcess;
  readonly link: WorkerLink;
}

const STOP_DEADLINES: StopDeadlines = { loss: 2_000, shutdown: 15_000, terminate: 5_000, kill: 5_000 };

/**
 * Start a worker process and wait until it has connected.
 * @throws WorkerStartError when none came up, WorkerCallError `cancelled` on abort; by then the process
 *   has ended and the socket is free
 */
export async function startWorker(options: StartWorkerOptions): Promise<ProcessWorker> {
  const { startDeadline = 120_000, stopDeadlines = STOP_DEADLINES, signal, protocolHash, ...spawnOptions } = options;
  const token = randomBytes(32).toString('hex');
  let process: WorkerProcess | undefined;
  const link = await WorkerLink.bind({
    token,
    ...(protocolHash === undefined ? {} : { protocolHash }),
    onBroken: (cause, reason) => {
      const { loss, shutdown } = stopDeadlines;
      const grace = cause === 'nonsense' ? 0 : link.toldToLeave ? shutdown : loss;
      if (process !== undefined) void stopBroken(process, link, grace, reason);
    },
  });
  try {
    process = await spawnWorker({ ...spawnOptions, endpoint: link.endpoint, token });
    const hello = await firstHello(process, link, startDeadline, signal);
    void watchEnd(process, link);
    return { ...createTypedWorker(link, hello, stopOnce(process, link, stopDeadlines)), process, link };
  } catch (error) {
    process?.kill('SIGKILL');
    await process?.ended;
    link.close();
    throw error;
  }
}

async function firstHello(
  process: WorkerProcess,
  link: WorkerLink,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Hello> {
  const aborted = abortion(signal);
  const first = await within(Promise.race([link.connected, process.ended, aborted.promise]), deadline);
  aborted.forget();
  if (first === TIMED_OUT) throw startError(`did not connect within ${deadline / 1000} s`, process, link);
  if ('exitCode' in first) throw startError(`${describeEnd(first)} before it connected`, process, link);
  return first;
}

function abortion(signal: AbortSignal | undefined): { promise: Promise<never>; forget(): void } {
  let onAbort: () => void = () => {};
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(new WorkerCallError('cancelled', 'the start of the worker was cancelled'));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
  });
  return { promise, forget: () => signal?.removeEventListener('abort', onAbort) };
}

async function watchEnd(process: WorkerProcess, link: WorkerLink): Promise<void> {
  const end = await process.ended;
  link.fail(goneError(describeEnd(end), process));
}

async function stopBroken(process: WorkerProcess, link: WorkerLink, grace: number, reason: string): Promise<void> {
  if ((await within(process.ended, grace)) !== TIMED_OUT) return;
  link.fail(goneError(`was stopped: ${reason}`, process));
  process.kill('SIGKILL');
}

function stopOnce(process: WorkerProcess, link: WorkerLink, deadlines: StopDeadlines): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= stop(process, link, deadlines);
    return stopped;
  };
}

async function stop(process: WorkerProcess, link: WorkerLink, deadlines: StopDeadlines): Promise<void> {
  // The process's end is the answer that counts.
  link.request('shutdown', packParams('shutdown', {})).catch(() => {});
  let end = await within(process.ended, deadlines.shutdown);
  if (end === TIMED_OUT) {
    process.kill('SIGTERM');
    end = await within(process.ended, deadlines.terminate);
  }
  if (end === TIMED_OUT) {
    process.kill('SIGKILL');
    end = await within(process.ended, deadlines.kill);
  }
  link.close();
  if (end === TIMED_OUT) throw goneError(`(process ${process.pid}) does not end, even by SIGKILL`, process);
}

function describeEnd(end: ProcessEnd): string {
  if (end.signal === undefined) return `ended with exit code ${end.exitCode}`;
  const hint = end.signal === 'SIGKILL' ? ', which the system sends when memory runs out' : '';
  return `was ended by ${end.signal}${hint}`;
}

function goneError(what: string, process: WorkerProcess): WorkerCallError {
  return new WorkerCallError('worker_gone', `the worker ${what}${lastWords(process)}`, process.output());
}

function startError(what: string, process: WorkerProcess, link: WorkerLink): WorkerStartError {
  const turnedAway = link.turnedAway === undefined ? '' : `; a peer was turned away: ${link.turnedAway}`;
  const message = `the worker ${what}${turnedAway}${lastWords(process)}`;
  return new WorkerStartError('worker_start_failed', message, process.output());
}

function lastWords(process: WorkerProcess): string {
  const last = process.output().trimEnd().split('\n').at(-1)?.trim();
  return last ? `; it last printed: ${last}` : '; it printed nothing';
}
