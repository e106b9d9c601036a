import type { Worker } from '../ports/worker.ts';
import type { Hello } from '../protocol/generated.ts';
import { packParams } from './codec.ts';
import { TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError, WorkerStartError } from './errors.ts';
import { WorkerLink } from './link.ts';
import { createTypedWorker } from './typedWorker.ts';

export interface ListenOptions {
  /** `tcp://127.0.0.1:PORT`; the port `*` is any free one. */
  address: string;
  /** What the worker must know to be let in. */
  token: string;
  /** Milliseconds to wait for a worker. */
  deadline: number;
  /** Aborting it gives up waiting. */
  signal?: AbortSignal;
  /** Told where to connect to, once somebody can. */
  onListening?(endpoint: string): void;
}

/** A worker whose process is somebody else's. Closing it asks it to stop and hangs up. */
export interface DialledWorker extends Worker {
  readonly link: WorkerLink;
}

const ADDRESS = /^tcp:\/\/(?:127\.0\.0\.1|localhost):(\*|\d{1,5})$/;

/** Milliseconds that a worker has to answer the shutdown that {@link DialledWorker} sends when it is closed. */
const LEAVING = 2_000;

/** Whether an address is one to listen on. */
export function isListenAddress(address: string): boolean {
  const port = ADDRESS.exec(address)?.[1];
  return port !== undefined && (port === '*' || (Number(port) >= 1 && Number(port) <= 65_535));
}

/**
 * Listen until one worker has connected.
 *
 * @throws WorkerStartError when the port is taken, nobody came, or one of another protocol did; WorkerCallError
 *   `cancelled` on abort
 */
export async function listenForWorker(options: ListenOptions): Promise<DialledWorker> {
  const { address, token, deadline, signal, onListening } = options;
  const port = ADDRESS.exec(address)?.[1];
  const link = await WorkerLink.bind({
    token,
    ...(port === undefined || port === '*' ? {} : { port: Number(port) }),
    onBroken: (_, reason) => link.fail(new WorkerCallError('worker_gone', `the worker is gone: ${reason}`)),
  }).catch((error: Error) => {
    throw new WorkerStartError('worker_start_failed', `cannot listen on ${address}: ${error.message}`);
  });
  try {
    onListening?.(link.endpoint);
    const hello = await firstHello(link, deadline, signal);
    return { ...createTypedWorker(link, hello, () => leave(link)), link };
  } catch (error) {
    link.close();
    throw error;
  }
}

async function firstHello(link: WorkerLink, deadline: number, signal: AbortSignal | undefined): Promise<Hello> {
  let onAbort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new WorkerCallError('cancelled', 'waiting for a worker was cancelled'));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
  });
  try {
    const first = await within(Promise.race([link.connected, aborted]), deadline);
    if (first !== TIMED_OUT) return first;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  const turnedAway = link.turnedAway === undefined ? '' : `; a peer was turned away: ${link.turnedAway}`;
  const message = `no worker connected to ${link.endpoint} within ${deadline / 1000} s${turnedAway}`;
  throw new WorkerStartError('worker_start_failed', message);
}

async function leave(link: WorkerLink): Promise<void> {
  // Whether it answers or is gone, it is left alone after this.
  const answer = link.request('shutdown', packParams('shutdown', {})).catch(() => {});
  await within(answer, LEAVING);
  link.close();
}
