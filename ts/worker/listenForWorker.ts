import type { Worker } from '../ports/worker.ts';
import { packParams } from './codec.ts';
import { abortion, TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError, WorkerStartError } from './errors.ts';
import { Hub } from './hub.ts';
import type { CurveServer } from './keys.ts';
import type { Session } from './session.ts';
import { createTypedWorker } from './typedWorker.ts';

export interface ListenOptions {
  /** As `parseListenAddress` takes it. */
  address: string;
  /** Needed where the address leaves this machine. */
  curve?: CurveServer;
  /** What the worker must know to be let in; "" where its key is enough. */
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
  readonly session: Session;
}

/** Milliseconds that a worker has to answer the shutdown with which it is left. */
const LEAVING = 2_000;

/**
 * Listen until one worker has connected.
 *
 * @throws WorkerStartError when nobody came, or one of another protocol did; WorkerCallError `cancelled` on
 *   abort; AddressError or TransportError when the address cannot be listened on
 */
export async function listenForWorker(options: ListenOptions): Promise<DialledWorker> {
  const { address, curve, token, deadline, signal, onListening } = options;
  const hub = await Hub.bind({ address, ...(curve === undefined ? {} : { curve }) });
  try {
    const joined = new Promise<Session>((onJoin, onRefused) => hub.invite(token, { single: true, onJoin, onRefused }));
    onListening?.(hub.endpoint);
    const aborted = abortion(signal, 'waiting for a worker was cancelled');
    const session = await within(Promise.race([joined, aborted.promise]), deadline).finally(aborted.forget);
    if (session === TIMED_OUT) throw nobodyError(hub, deadline);
    return { ...createTypedWorker(session, session.hello, () => leave(session, hub)), session };
  } catch (error) {
    hub.close();
    throw error;
  }
}

function nobodyError(hub: Hub, deadline: number): WorkerStartError {
  const turnedAway = hub.turnedAway === undefined ? '' : `; a peer was turned away: ${hub.turnedAway}`;
  const message = `no worker connected to ${hub.endpoint} within ${deadline / 1000} s${turnedAway}`;
  return new WorkerStartError('worker_start_failed', message);
}

async function leave(session: Session, hub: Hub): Promise<void> {
  // Whether it answers or is gone, it is left alone after this.
  const answer = session.request('shutdown', packParams('shutdown', {})).catch(() => {});
  await within(answer, LEAVING);
  session.fail(new WorkerCallError('worker_gone', 'the worker was told to stop'));
  hub.close();
}
