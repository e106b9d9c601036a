import { randomBytes } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Worker } from '../ports/worker.ts';
import { type Envelope, type Heartbeat, type Hello, PROTOCOL_HASH } from '../protocol/generated.ts';
import { packEnvelope } from '../worker/codec.ts';
import { WorkerCallError } from '../worker/errors.ts';
import type { WorkerProcess } from '../worker/spawn.ts';
import { createTypedWorker, type Requester } from '../worker/typedWorker.ts';
import type { Spawn } from './context.ts';
import { Line } from './line.ts';
import { type Exchanges, showPacked } from './watch.ts';

/** The protocol's own answer to Hello. */
export const WELCOME = {
  kind: 'Welcome',
  protocolHash: PROTOCOL_HASH,
  run: 'contract',
  attempt: 1,
  heartbeatSeconds: 2,
} as const;

/** A heartbeat, and when it came: milliseconds of `performance.now()`. */
export type Beat = Heartbeat & { at: number };

type RequestOptions = NonNullable<Parameters<Requester['request']>[2]>;

/**
 * A worker behind a connection whose requests have the ids that a case likes. Signals and progress are
 * not passed on: `cancel` is a request like any other here.
 */
export class Wire implements Requester {
  readonly process: WorkerProcess;
  readonly worker: Worker;
  private readonly exchanges: Exchanges;
  private readonly answer: Envelope;
  /** Resolves when the process has ended. */
  private readonly gone: Promise<WorkerCallError>;
  private line: Line;
  private lastId = 0;

  private constructor(process: WorkerProcess, line: Line, hello: Hello, exchanges: Exchanges, answer: Envelope) {
    this.process = process;
    this.line = line;
    this.exchanges = exchanges;
    this.answer = answer;
    this.worker = createTypedWorker(this, hello, () => this.close());
    this.gone = goneOf(process);
    void this.gone.then((error) => this.line.fail(error));
  }

  /**
   * Start a worker, wait for its Hello and answer it.
   *
   * @param exchanges where requests are noted
   * @param onProcess told of the process as soon as there is one, to end it if this never resolves
   */
  static async open(
    spawn: Spawn,
    exchanges: Exchanges,
    onProcess: (process: WorkerProcess) => void,
    answer: Envelope = WELCOME,
  ): Promise<Wire> {
    const line = await Line.bind();
    try {
      const process = await spawn(line.endpoint, randomBytes(32).toString('hex'));
      onProcess(process);
      const hello = await unlessGone(line.greeted, goneOf(process));
      await line.send(packEnvelope(answer));
      return new Wire(process, line, hello, exchanges, answer);
    } catch (error) {
      line.cut();
      throw error;
    }
  }

  /** The id that the last request had. */
  get id(): number {
    return this.lastId;
  }

  /** Answers on this connection to what was not asked on it. */
  get strays(): number {
    return this.line.strays;
  }

  /** Send a request under the next id, or under this one. */
  request(verb: string, params: Uint8Array, options: RequestOptions & { id?: number } = {}): Promise<Uint8Array> {
    this.lastId = options.id ?? this.lastId + 1;
    const answer = this.line.request(this.lastId, verb, params);
    this.exchanges.note(verb, () => showPacked(verb, params), answer);
    return answer;
  }

  /** Send a message of these frames. */
  send(first: Uint8Array, ...more: Uint8Array[]): Promise<void> {
    return this.line.send(first, ...more);
  }

  /** The next `count` heartbeats, as they come in from now on. */
  async heartbeats(count: number): Promise<Beat[]> {
    const beats: Beat[] = [];
    const all = new Promise<void>((resolve) => {
      this.line.onHeartbeat = (heartbeat) => {
        beats.push({ ...heartbeat, at: performance.now() });
        if (beats.length === count) resolve();
      };
    });
    await unlessGone(all, this.gone);
    this.line.onHeartbeat = () => {};
    return beats;
  }

  /**
   * Hang up, listen at the same place again, and wait until the worker is back. Ids begin anew.
   * @param answer to its Hello; that of the first one unless given
   */
  async reconnect(answer: Envelope = this.answer): Promise<Hello> {
    this.line.cut();
    this.line = await Line.bind(this.line.endpoint);
    this.lastId = 0;
    const hello = await unlessGone(this.line.greeted, this.gone);
    await this.line.send(packEnvelope(answer));
    return hello;
  }

  /** Resolves when the worker has hung up by itself since it was answered, and says Hello again. */
  async greetedAgain(): Promise<void> {
    await unlessGone(this.line.greetedAgain, this.gone);
  }

  /** End the process, in no order, and free the socket. */
  async close(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.ended;
    this.line.cut();
  }
}

async function goneOf({ ended }: WorkerProcess): Promise<WorkerCallError> {
  const { exitCode, signal } = await ended;
  return new WorkerCallError('worker_gone', `the worker ended with ${signal ?? `exit code ${exitCode}`}`);
}

/** @throws the error that `gone` resolves with, if it comes first */
async function unlessGone<T>(awaited: Promise<T>, gone: Promise<WorkerCallError>): Promise<T> {
  const fail = gone.then((error): never => {
    throw error;
  });
  return Promise.race([awaited, fail]);
}
