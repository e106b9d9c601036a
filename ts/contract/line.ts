import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Envelope, Heartbeat, Hello } from '../protocol/generated.ts';
import { LOOPBACK } from '../worker/address.ts';
import { packEnvelope, unpackEnvelope } from '../worker/codec.ts';
import { WorkerCallError } from '../worker/errors.ts';
import { bindTransport, type PeerId, type Transport, type TransportHandlers } from '../worker/transport.ts';

interface Waiting {
  resolve(result: Uint8Array): void;
  reject(error: Error): void;
}

/** Milliseconds in which a socket that was closed frees its port. */
const FREEING = 5_000;

/** One connection to one worker, from its Hello until it is cut. Nothing is sent by itself. */
export class Line {
  /** Resolves with the first Hello. */
  readonly greeted: Promise<Hello>;
  /** Resolves with the second, which is of a connection that is not answered. */
  readonly greetedAgain: Promise<Hello>;
  onHeartbeat: (heartbeat: Heartbeat) => void = () => {};
  private readonly waiting = new Map<number, Waiting>();
  private transport!: Transport;
  private peer: PeerId | undefined;
  private strayCount = 0;
  private greet!: (hello: Hello) => void;
  private greetAgain!: (hello: Hello) => void;

  private constructor() {
    this.greeted = new Promise((resolve) => {
      this.greet = resolve;
    });
    this.greetedAgain = new Promise((resolve) => {
      this.greetAgain = resolve;
    });
  }

  /** @param address where an earlier line was, to listen there again */
  static async bind(address = LOOPBACK): Promise<Line> {
    const line = new Line();
    line.transport = await bindSoon(address, {
      onMessage: (peer, payload) => line.receive(peer, payload),
      onDisconnect() {},
    });
    return line;
  }

  get endpoint(): string {
    return this.transport.endpoint;
  }

  /** Answers to what was not asked. */
  get strays(): number {
    return this.strayCount;
  }

  /** Send a message of these frames to whoever said Hello. */
  async send(first: Uint8Array, ...more: Uint8Array[]): Promise<void> {
    if (this.peer === undefined) throw new Error('nobody said Hello yet');
    await this.transport.send(this.peer, first, ...more);
  }

  request(id: number, verb: string, params: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send(packEnvelope({ kind: 'Request', id, verb, params })).catch(reject);
    });
  }

  /** Reject all that waits for an answer. */
  fail(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  /** Hang up. */
  cut(): void {
    this.fail(new WorkerCallError('worker_gone', 'the connection was cut'));
    this.transport.close();
  }

  private receive(peer: PeerId, payload: Uint8Array): void {
    try {
      const envelope = unpackEnvelope(payload);
      if (envelope.kind === 'Hello') {
        if (this.peer !== undefined) this.greetAgain(envelope);
        this.peer ??= peer;
        this.greet(envelope);
      } else {
        this.settle(envelope);
      }
    } catch (error) {
      this.fail(error as Error);
    }
  }

  private settle(envelope: Envelope): void {
    if (envelope.kind === 'Heartbeat') this.onHeartbeat(envelope);
    if (envelope.kind !== 'Response' && envelope.kind !== 'Failure') return;
    const call = this.waiting.get(envelope.id);
    this.waiting.delete(envelope.id);
    if (call === undefined) this.strayCount += 1;
    else if (envelope.kind === 'Response') call.resolve(envelope.result);
    else call.reject(WorkerCallError.from(envelope.error));
  }
}

/** Bind where a socket may have been closed just now: ZeroMQ frees a port a little later. */
async function bindSoon(address: string, handlers: TransportHandlers): Promise<Transport> {
  const until = performance.now() + FREEING;
  for (;;) {
    try {
      return await bindTransport(handlers, { address });
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'bind_failed' || performance.now() > until) throw error;
      await turn();
    }
  }
}
