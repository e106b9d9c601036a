import { randomBytes } from 'node:crypto';
import type { Worker } from '../ports/worker.ts';
import { packParams } from './codec.ts';
import { abortion, TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError, WorkerStartError } from './errors.ts';
import { Hub, type HubOptions } from './hub.ts';
import { describeEnd, type ProcessEnd } from './processGroup.ts';
import type { Session } from './session.ts';
import { type SpawnOptions, spawnWorker, type WorkerProcess } from './spawn.ts';
import { createTypedWorker } from './typedWorker.ts';

/** Milliseconds that each step of stopping a worker may take. */
export interface StopDeadlines {
  /** From `shutdown` to SIGTERM. */
  shutdown: number;
  /** From SIGTERM to SIGKILL. */
  terminate: number;
  /** From SIGKILL until it counts as unkillable. */
  kill: number;
}

/** How to start a worker process on a hub that is there already. */
export interface HireOptions extends Omit<SpawnOptions, 'endpoint' | 'token'> {
  /** Milliseconds from the start of the process to its Hello; 120,000 by default. */
  startDeadline?: number;
  stopDeadlines?: StopDeadlines;
  /** Aborting it gives up waiting for the worker. */
  signal?: AbortSignal;
}

export interface StartWorkerOptions
  extends HireOptions,
    Pick<HubOptions, 'protocolHash' | 'patience' | 'run' | 'attempt'> {}

/** A worker process that has connected. */
export interface HiredWorker {
  readonly process: WorkerProcess;
  readonly session: Session;
  /** Ask it to stop, make it stop, and wait until it has. Safe to call twice. */
  stop(): Promise<void>;
}

/** A worker, with what tests and diagnosis need of its process and connection. */
export interface ProcessWorker extends Worker {
  readonly process: WorkerProcess;
  readonly session: Session;
  readonly hub: Hub;
}

/** Milliseconds that messages of a process that has ended get to arrive. */
const LAST_WORDS = 200;

const STOP_DEADLINES: StopDeadlines = { shutdown: 15_000, terminate: 5_000, kill: 5_000 };

/**
 * Start a worker process and wait until it has connected.
 * @throws WorkerStartError when none came up, WorkerCallError `cancelled` on abort; by then the process
 *   has ended and the socket is free
 */
export async function startWorker(options: StartWorkerOptions): Promise<ProcessWorker> {
  const { protocolHash, patience, run, attempt, ...hireOptions } = options;
  const hub = await Hub.bind({
    ...(protocolHash === undefined ? {} : { protocolHash }),
    ...(patience === undefined ? {} : { patience }),
    ...(run === undefined ? {} : { run }),
    ...(attempt === undefined ? {} : { attempt }),
  });
  try {
    const { process, session, stop } = await hireWorker(hub, hireOptions);
    const close = () => stop().finally(() => hub.close());
    return { ...createTypedWorker(session, session.hello, close), process, session, hub };
  } catch (error) {
    hub.close();
    throw error;
  }
}

/**
 * Start a worker process that connects to a hub, with a token of its own.
 * @throws WorkerStartError when it did not come up, WorkerCallError `cancelled` on abort; by then the
 *   process has ended
 */
export async function hireWorker(hub: Hub, options: HireOptions): Promise<HiredWorker> {
  const { startDeadline = 120_000, stopDeadlines = STOP_DEADLINES, signal, ...spawnOptions } = options;
  const token = randomBytes(32).toString('hex');
  let process: WorkerProcess | undefined;
  const joined = new Promise<Session>((resolve, reject) => {
    hub.invite(token, {
      single: true,
      onJoin: resolve,
      onRefused: reject,
      onBroken: (session, _, reason) => {
        session.fail(goneError(`was stopped: ${reason}`, process));
        process?.kill('SIGKILL');
      },
    });
  });
  // Whoever waits gets the rejection; that nobody waits is no crash.
  joined.catch(() => {});
  try {
    process = await spawnWorker({ ...spawnOptions, endpoint: hub.endpoint, token });
    const session = await firstSession(joined, process, hub, startDeadline, signal);
    void watchEnd(process, session, () => hub.revoke(token));
    return { process, session, stop: stopOnce(process, session, stopDeadlines) };
  } catch (error) {
    hub.revoke(token);
    process?.kill('SIGKILL');
    await process?.ended;
    throw error;
  }
}

async function firstSession(
  joined: Promise<Session>,
  process: WorkerProcess,
  hub: Hub,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const aborted = abortion(signal, 'the start of the worker was cancelled');
  const first = await within(Promise.race([joined, process.ended, aborted.promise]), deadline);
  aborted.forget();
  if (first === TIMED_OUT) throw startError(`did not connect within ${deadline / 1000} s`, process, hub);
  if (!('exitCode' in first)) return first;
  // What it sent before it ended may still be on its way, and says why it was not let in.
  await within(joined, LAST_WORDS);
  throw startError(`${howEnded(first)} before it connected`, process, hub, describeEnd(first));
}

async function watchEnd(process: WorkerProcess, session: Session, after: () => void): Promise<void> {
  const end = await process.ended;
  session.fail(goneError(howEnded(end), process));
  after();
}

function stopOnce(process: WorkerProcess, session: Session, deadlines: StopDeadlines): () => Promise<void> {
  let stopped: Promise<void> | undefined;
  return () => {
    stopped ??= stop(process, session, deadlines);
    return stopped;
  };
}

async function stop(process: WorkerProcess, session: Session, deadlines: StopDeadlines): Promise<void> {
  // The process's end is the answer that counts.
  session.request('shutdown', packParams('shutdown', {})).catch(() => {});
  let end = await within(process.ended, deadlines.shutdown);
  if (end === TIMED_OUT) {
    process.kill('SIGTERM');
    end = await within(process.ended, deadlines.terminate);
  }
  if (end === TIMED_OUT) {
    process.kill('SIGKILL');
    end = await within(process.ended, deadlines.kill);
  }
  if (end !== TIMED_OUT) return;
  const error = goneError(`(process ${process.pid}) does not end, even by SIGKILL`, process);
  session.fail(error);
  throw error;
}

function howEnded(end: ProcessEnd): string {
  if (end.signal === undefined) return `ended with ${describeEnd(end)}`;
  const hint = end.signal === 'SIGKILL' ? ', which the system sends when memory runs out' : '';
  return `was ended by ${describeEnd(end)}${hint}`;
}

function goneError(what: string, process: WorkerProcess | undefined): WorkerCallError {
  return new WorkerCallError('worker_gone', `the worker ${what}${lastWords(process)}`, process?.output());
}

function startError(what: string, process: WorkerProcess, hub: Hub, end?: string): WorkerStartError {
  const turnedAway = hub.turnedAway === undefined ? '' : `; a peer was turned away: ${hub.turnedAway}`;
  const message = `the worker ${what}${turnedAway}${lastWords(process)}`;
  return new WorkerStartError('worker_start_failed', message, process.output(), end);
}

function lastWords(process: WorkerProcess | undefined): string {
  if (process === undefined) return '';
  const lines = process.output().trimEnd().split('\n');
  // Launchers print reports of their own after a worker's last error.
  const last = (lines.findLast((line) => / ERROR rzero_worker\./.test(line)) ?? lines.at(-1))?.trim();
  return last ? `; it last printed: ${last}` : '; it printed nothing';
}
