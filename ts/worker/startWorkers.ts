import { randomBytes, randomUUID } from 'node:crypto';
import { join, parse } from 'node:path';
import { abortion, TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError } from './errors.ts';
import { Hub, type HubOptions } from './hub.ts';
import { readOrchestratorKeys } from './keyFolder.ts';
import { Pool, type PoolOptions } from './pool/pool.ts';
import type { Post } from './post.ts';
import type { Patience } from './session.ts';
import { type HiredWorker, type HireOptions, hireWorker } from './startWorker.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';
import { TransportError } from './transport.ts';

/** A place for workers of other machines, or started by others on this one. */
export interface ListenOptions {
  /** As `worker.listen` of the configuration: tcp://HOST:PORT or ipc:///PATH. */
  address: string;
  /** Folder made by `rzero keys`; needed where the address leaves this machine. */
  keys?: string;
  /** What workers must know beside their keys; needed where there are no keys. */
  token?: string;
  /** How many must have come before {@link startWorkers} resolves. */
  expect: number;
  /** Told where to dial, once it is bound. */
  onListening?(endpoint: string): void;
}

export interface StartWorkersOptions extends HireOptions, Pick<HubOptions, 'run' | 'attempt'> {
  /** Workers to start on this machine. */
  posts: readonly Post[];
  /** Times in a row that one of them is started again without having worked; 0 by default. */
  restarts?: number;
  listen?: ListenOptions;
  /** Folder that all workers can reach, in which a folder for handing over weights is made. */
  sharedFolder: string;
  /** Whether those that share a device take turns; false by default. */
  turns?: boolean;
  /** Milliseconds to wait for workers to dial in, at the start and when none is left; 600,000 by default. */
  joinDeadline?: number;
  /** Milliseconds that a worker may take to write, publish or load weights, to sleep or to wake; 600,000 by default. */
  handoverDeadline?: number;
  patience?: Partial<Patience>;
  /** See SupervisorOptions. */
  after?: SupervisorOptions<HiredWorker>['after'];
  /**
   * Told of every worker that comes, goes, is behind or slow, but not of one alone that comes at the start; and of who
   * dialled in and was not let in.
   */
  onChange?(text: string): void;
}

/** Milliseconds that workers of others get to answer that they will stop. */
const FAREWELL = 5_000;

/**
 * Start worker processes, let others dial in, and give all of them as one worker.
 *
 * @throws WorkerStartError, WorkerCallError `cancelled` on abort, `worker_gone` when too few dialled in,
 *   TransportError, AddressError or KeyError for where to listen; no process is left then
 */
export async function startWorkers(options: StartWorkersOptions): Promise<Pool> {
  const { posts, listen, patience = {}, run = randomUUID(), attempt = 1, restarts = 0, after, ...hire } = options;
  if (listen !== undefined && listen.token === undefined && listen.keys === undefined) {
    throw new TransportError(
      'insecure',
      `listening at ${listen.address} needs keys (worker.keys), or a token in RZERO_TOKEN that workers know too`,
    );
  }
  const hubs: Hub[] = [];
  const supervisors: Supervisor<HiredWorker>[] = [];
  let tells = posts.length > 1 || listen !== undefined;
  const say = (text: string): void => {
    if (tells) options.onChange?.(text);
  };
  const expectsMore = () => listen !== undefined || supervisors.some(({ isExpected }) => isExpected);
  const pool = new Pool(poolOptions(options, expectsMore, say), async () => {
    await Promise.all(supervisors.map((supervisor) => supervisor.stop()));
    // Those that somebody else started are asked to stop, and are somebody else's to kill.
    if (listen !== undefined) await within(pool.shutdown({}), FAREWELL);
    for (const hub of hubs) hub.close();
  });
  try {
    if (posts.length > 0) {
      // Those of this machine come by the loopback interface, whatever the others come by.
      const hub = await Hub.bind({ patience, run, attempt });
      hubs.push(hub);
      for (const [index, post] of posts.entries()) {
        const given = { ...hire, ...logOf(hire, index), ...post };
        const name = `worker ${index + 1}`;
        supervisors.push(
          supervise(hub, pool, given, { name, restarts, say, ...(after === undefined ? {} : { after }) }),
        );
      }
      const starts = supervisors.map((supervisor) => supervisor.begin());
      await Promise.allSettled(starts);
      for (const { session } of await Promise.all(starts)) pool.add(session);
    }
    if (listen !== undefined) {
      const hub = await Hub.bind({
        patience,
        run,
        attempt,
        address: listen.address,
        onTurnedAway: once((reason) => options.onChange?.(`a peer was turned away: ${reason}`)),
        ...(listen.keys === undefined ? {} : { curve: readOrchestratorKeys(listen.keys) }),
      });
      hubs.push(hub);
      await openDoor(hub, pool, listen, options);
    }
    tells = true;
    return pool;
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** Most strangers that are told of: who listens where many can dial is not to have a log of them alone. */
const MOST_TOLD = 20;

/** Tell each text once; ZeroMQ and those who were turned away try again and again. */
function once(tell: (text: string) => void): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    if (told.has(text) || told.size === MOST_TOLD) return;
    told.add(text);
    tell(text);
  };
}

/** Have a worker started on a hub, now and again, and taken into the pool whenever it is up again. */
function supervise(
  hub: Hub,
  pool: Pool,
  hire: HireOptions,
  how: Pick<SupervisorOptions<HiredWorker>, 'name' | 'restarts' | 'say' | 'after'>,
): Supervisor<HiredWorker> {
  return new Supervisor({
    ...how,
    start: (startNumber, unwanted) => {
      // Only the first start is the caller's to wait for.
      const waits = startNumber === 1 && hire.signal !== undefined;
      const signal = waits ? AbortSignal.any([hire.signal as AbortSignal, unwanted]) : unwanted;
      return hireWorker(hub, { ...hire, startNumber, signal });
    },
    onUp: ({ session }) => pool.add(session),
    onGivenUp: (error) => pool.expectNoLonger(error),
  });
}

function poolOptions(
  options: StartWorkersOptions,
  expectsMore: () => boolean,
  onChange: (text: string) => void,
): PoolOptions {
  const { posts, turns = false, listen, sharedFolder, joinDeadline, handoverDeadline } = options;
  const exchange = join(sharedFolder, `exchange-${randomBytes(8).toString('hex')}`);
  return {
    expectsMore,
    onChange,
    turns,
    // One worker alone hands its weights to nobody.
    ...(posts.length > 1 || listen !== undefined ? { exchange } : {}),
    ...(joinDeadline === undefined ? {} : { joinDeadline }),
    ...(handoverDeadline === undefined ? {} : { handoverDeadline }),
  };
}

/** The log of the second process is not that of the first. */
function logOf({ logFile }: Pick<HireOptions, 'logFile'>, index: number): Pick<HireOptions, 'logFile'> {
  if (logFile === undefined || index === 0) return {};
  const { dir, name, ext } = parse(logFile);
  return { logFile: join(dir, `${name}-${index + 1}${ext}`) };
}

/** Let workers dial in, and wait until enough have. */
async function openDoor(hub: Hub, pool: Pool, listen: ListenOptions, options: StartWorkersOptions): Promise<void> {
  const { joinDeadline = 600_000, signal } = options;
  const { token, expect, onListening } = listen;
  let came = 0;
  let onEnough = (): void => {};
  const enough = new Promise<void>((resolve) => {
    onEnough = resolve;
  });
  hub.invite(token ?? '', {
    single: false,
    onJoin(session) {
      pool.add(session);
      came += 1;
      if (came >= expect) onEnough();
    },
  });
  onListening?.(hub.endpoint);
  if (expect === 0) return;
  const aborted = abortion(signal, 'the wait for workers was cancelled');
  const result = await within(Promise.race([enough, aborted.promise]), joinDeadline).finally(aborted.forget);
  if (result !== TIMED_OUT) return;
  const stranger = hub.turnedAway === undefined ? '' : `; a peer was turned away: ${hub.turnedAway}`;
  const message = `${came} of ${expect} workers dialled in at ${hub.endpoint} within ${joinDeadline / 1000} s${stranger}`;
  throw new WorkerCallError('worker_gone', message);
}
