import { randomBytes } from 'node:crypto';
import type { Worker } from '../ports/worker.ts';
import { type Envelope, type Hello, PROTOCOL_HASH } from '../protocol/generated.ts';
import { packEnvelope, unpackEnvelope } from '../worker/codec.ts';
import { WorkerCallError } from '../worker/errors.ts';
import type { WorkerProcess } from '../worker/spawn.ts';
import { bindTransport, type PeerId, type Transport } from '../worker/transport.ts';
import { createTypedWorker, type Requester } from '../worker/typedWorker.ts';
import type { Spawn } from './context.ts';
import { type Exchanges, showPacked } from './watch.ts';

interface Waiting {
  resolve(result: Uint8Array): void;
  reject(error: Error): void;
}

type RequestOptions = NonNullable<Parameters<Requester['request']>[2]>;

/**
 * A worker behind a connection whose requests have the ids that a case likes. Signals and progress are
 * not passed on: `cancel` is a request like any other here.
 */
export class Wire implements Requester {
  readonly process: WorkerProcess;
  readonly worker: Worker;
  private readonly transport: Transport;
  private readonly peer: PeerId;
  private readonly waiting: Map<number, Waiting>;
  private readonly exchanges: Exchanges;
  private lastId = 0;

  private constructor(process: WorkerProcess, greeting: Greeting, parts: Parts) {
    this.process = process;
    this.peer = greeting.peer;
    this.transport = parts.transport;
    this.waiting = parts.waiting;
    this.exchanges = parts.exchanges;
    this.worker = createTypedWorker(this, greeting.hello, () => this.close());
  }

  /**
   * Start a worker, wait for its Hello and welcome it.
   *
   * @param exchanges where requests are noted
   * @param onProcess told of the process as soon as there is one, to end it if this never resolves
   */
  static async open(spawn: Spawn, exchanges: Exchanges, onProcess: (process: WorkerProcess) => void): Promise<Wire> {
    const waiting = new Map<number, Waiting>();
    let greet!: (greeting: Greeting) => void;
    const greeted = new Promise<Greeting>((resolve) => {
      greet = resolve;
    });
    const transport = await bindTransport({
      onMessage(peer, payload) {
        try {
          const envelope = unpackEnvelope(payload);
          if (envelope.kind === 'Hello') greet({ peer, hello: envelope });
          else settle(waiting, envelope);
        } catch (error) {
          failAll(waiting, error as Error);
        }
      },
      onDisconnect() {},
    });
    try {
      const process = await spawn(transport.endpoint, randomBytes(32).toString('hex'));
      onProcess(process);
      const ended = process.ended.then(({ exitCode, signal }) => {
        const error = new WorkerCallError('worker_gone', `the worker ended with ${signal ?? `exit code ${exitCode}`}`);
        failAll(waiting, error);
        throw error;
      });
      const greeting = await Promise.race([greeted, ended]);
      const wire = new Wire(process, greeting, { transport, waiting, exchanges });
      const welcome = { kind: 'Welcome', protocolHash: PROTOCOL_HASH, heartbeatSeconds: 2 } as const;
      await transport.send(greeting.peer, packEnvelope(welcome));
      return wire;
    } catch (error) {
      transport.close();
      throw error;
    }
  }

  /** The id that the last request had. */
  get id(): number {
    return this.lastId;
  }

  /** Send a request under the next id, or under this one. */
  request(verb: string, params: Uint8Array, options: RequestOptions & { id?: number } = {}): Promise<Uint8Array> {
    this.lastId = options.id ?? this.lastId + 1;
    const id = this.lastId;
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.transport.send(this.peer, packEnvelope({ kind: 'Request', id, verb, params })).catch(reject);
    });
    this.exchanges.note(verb, () => showPacked(verb, params), answer);
    return answer;
  }

  /** End the process, in no order, and free the socket. */
  async close(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.process.ended;
    this.transport.close();
  }
}

interface Parts {
  transport: Transport;
  waiting: Map<number, Waiting>;
  exchanges: Exchanges;
}

interface Greeting {
  peer: PeerId;
  hello: Hello;
}

function failAll(waiting: Map<number, Waiting>, error: Error): void {
  for (const { reject } of waiting.values()) reject(error);
  waiting.clear();
}

function settle(waiting: Map<number, Waiting>, envelope: Envelope): void {
  if (envelope.kind !== 'Response' && envelope.kind !== 'Failure') return;
  const call = waiting.get(envelope.id);
  waiting.delete(envelope.id);
  if (envelope.kind === 'Response') call?.resolve(envelope.result);
  else call?.reject(WorkerCallError.from(envelope.error));
}
