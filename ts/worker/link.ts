import { createHash, timingSafeEqual } from 'node:crypto';
import type { Envelope, Hello, WorkerError } from '../protocol/generated.ts';
import { PROTOCOL_HASH } from '../protocol/generated.ts';
import type { CallOptions } from '../protocol/primitives.ts';
import { packEnvelope, packParams, unpackEnvelope } from './codec.ts';
import { TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError, WorkerStartError } from './errors.ts';
import { cancelledError, PendingCalls } from './pendingCalls.ts';
import { bindTransport, MAX_MESSAGE_BYTES, type PeerId, type Transport } from './transport.ts';

export interface LinkOptions {
  /** What a worker must know to be let in. */
  token: string;
  /** Ours unless a test says otherwise. */
  protocolHash?: string;
  /** Where to listen; a free port unless given. */
  port?: number;
  /**
   * The connection cannot be used any more, though the process may live. The owner stops the process
   * and then calls {@link WorkerLink.fail}, so that callers hear of an exit code if there is one.
   */
  onBroken(cause: BrokenCause, reason: string): void;
}

/** `lost`: the worker hung up, perhaps because its process is ending. `nonsense`: it lives and sends no protocol. */
export type BrokenCause = 'lost' | 'nonsense';

/** Milliseconds between two questions whether the worker is still there. */
const PROBE_INTERVAL = 200;

/** How one request is sent. */
export interface RequestOptions extends CallOptions {
  /** Whether an abort is passed on to the worker; else it counts only before the request is sent. */
  cancellable?: boolean;
}

/**
 * A place for one worker to connect to, and the requests that then go to it. Verbs and their params
 * are opaque here but for the control verbs.
 */
export class WorkerLink {
  /** The first worker that was let in. Rejects with a WorkerStartError if one speaks another protocol. */
  readonly connected: Promise<Hello>;
  private readonly options: LinkOptions;
  private readonly protocolHash: string;
  private readonly pending = new PendingCalls();
  private readonly accept: (hello: Hello) => void;
  private readonly refuse: (error: WorkerStartError) => void;
  private transport!: Transport;
  private peer: PeerId | undefined;
  private failure: WorkerCallError | undefined;
  private lastId = 0;
  private droppedCount = 0;
  private stranger: string | undefined;
  private leaving = false;
  /** Somebody hung up since the worker was last asked whether it is there. */
  private suspect = false;
  private probing = false;
  private lost = false;

  private constructor(options: LinkOptions) {
    this.options = options;
    this.protocolHash = options.protocolHash ?? PROTOCOL_HASH;
    let accept!: (hello: Hello) => void;
    let refuse!: (error: WorkerStartError) => void;
    this.connected = new Promise((resolve, reject) => {
      accept = resolve;
      refuse = reject;
    });
    this.accept = accept;
    this.refuse = refuse;
    // Whoever waits gets the rejection; that nobody waits is no crash.
    this.connected.catch(() => {});
  }

  /** Bind and listen. */
  static async bind(options: LinkOptions): Promise<WorkerLink> {
    const link = new WorkerLink(options);
    const handlers = {
      onMessage: (peer: PeerId, payload: Uint8Array) => link.receive(peer, payload),
      onDisconnect: () => void link.probe(),
    };
    link.transport = await bindTransport(handlers, options.port);
    return link;
  }

  get endpoint(): string {
    return this.transport.endpoint;
  }

  /** Messages that fit no pending request and were dropped: late, repeated or from strangers. */
  get dropped(): number {
    return this.droppedCount;
  }

  /** Whether the worker was told to shut down, so that it will hang up. */
  get toldToLeave(): boolean {
    return this.leaving;
  }

  /** Why the last peer was not let in, if one was turned away. */
  get turnedAway(): string | undefined {
    return this.stranger;
  }

  /**
   * Send a request and wait for its packed result.
   * @throws WorkerCallError with the worker's code, `cancelled`, or `worker_gone`
   */
  async request(verb: string, params: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const { signal, onProgress, cancellable = false } = options;
    if (this.failure !== undefined) throw this.failure;
    if (this.peer === undefined) throw new WorkerCallError('worker_gone', 'no worker is connected');
    if (signal?.aborted) throw cancelledError();
    // With room for the envelope around the params.
    if (params.byteLength > MAX_MESSAGE_BYTES - 1024) {
      const allowed = 'less than 1 GiB; send fewer sequences at a time';
      throw new WorkerCallError('invalid_request', `${verb}: saw ${params.byteLength} bytes, allowed is ${allowed}`);
    }

    this.leaving ||= verb === 'shutdown';
    this.lastId += 1;
    const id = this.lastId;
    const answer = this.pending.add(id, onProgress);
    const onAbort = (): void => {
      // Its answer does not matter: `found: false` means that the request's own answer is on its way.
      if (this.pending.abort(id)) this.request('cancel', packParams('cancel', { id })).catch(() => {});
    };
    if (cancellable) signal?.addEventListener('abort', onAbort);
    this.send(this.peer, { kind: 'Request', id, verb, params });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Reject what is pending and whatever is asked from now on. The first error stands. */
  fail(error: WorkerCallError): void {
    this.failure ??= error;
    this.pending.failAll(this.failure);
  }

  /** Free the socket. */
  close(): void {
    this.fail(new WorkerCallError('worker_gone', 'the connection to the worker was closed'));
    this.transport.close();
  }

  private receive(from: PeerId, payload: Uint8Array): void {
    let envelope: Envelope;
    try {
      envelope = unpackEnvelope(payload);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (from === this.peer) this.options.onBroken('nonsense', `it sent what is no protocol message (${reason})`);
      else this.turnAway(`it sent what is no protocol message (${reason})`);
      return;
    }
    if (from !== this.peer) {
      if (envelope.kind === 'Hello') void this.greet(from, envelope);
      else this.turnAway(`its first message was ${envelope.kind}, not Hello`);
    } else if (!this.settle(envelope)) this.droppedCount += 1;
  }

  private settle(envelope: Envelope): boolean {
    if (envelope.kind === 'Response') return this.pending.succeed(envelope.id, envelope.result);
    if (envelope.kind === 'Failure') return this.pending.fail(envelope.id, envelope.error);
    if (envelope.kind === 'Progress') return this.pending.progress(envelope.id, envelope);
    return envelope.kind === 'Heartbeat';
  }

  private async greet(from: PeerId, hello: Hello): Promise<void> {
    // The token first: whoever does not know it must not be able to end a start with a wrong hash.
    if (!sameSecret(hello.token, this.options.token)) {
      await this.sendRefusal(from, 'the token is not the one this orchestrator gave out in RZERO_TOKEN');
    } else if (hello.protocolHash !== this.protocolHash) {
      const message = `the worker speaks protocol ${hello.protocolHash}, the orchestrator ${this.protocolHash}; both must come from the same proto/protocol.yml`;
      // After the refusal has left, since the owner closes the socket when `connected` rejects.
      await this.sendRefusal(from, message);
      this.refuse(new WorkerStartError('unauthorized', message));
    } else if (this.peer !== undefined) {
      await this.sendRefusal(from, 'a worker is connected already');
    } else {
      this.peer = from;
      this.send(from, { kind: 'Welcome', protocolHash: this.protocolHash, heartbeatSeconds: 2 });
      this.accept(hello);
    }
  }

  private async sendRefusal(peer: PeerId, message: string): Promise<void> {
    this.turnAway(message);
    const error: WorkerError = { code: 'unauthorized', message };
    // A peer that has left needs no refusal.
    await this.transport.send(peer, packEnvelope({ kind: 'Refusal', error })).catch(() => {});
  }

  private turnAway(reason: string): void {
    this.droppedCount += 1;
    this.stranger = reason;
  }

  private send(peer: PeerId, envelope: Envelope): void {
    this.transport.send(peer, packEnvelope(envelope)).catch((error: Error) => {
      if (this.lost || this.failure !== undefined) return;
      this.lost = true;
      this.options.onBroken('lost', `its connection was lost (${error.message})`);
    });
  }

  /**
   * Somebody hung up. Whether it was the worker shows when something is sent to it, though not at once:
   * ZeroMQ tells of the end of a connection before the socket itself has noticed, and what is sent in
   * between is lost. So ask until there is an answer, or nobody to ask.
   */
  private async probe(): Promise<void> {
    if (this.peer === undefined) return;
    this.suspect = true;
    if (this.probing) return;
    this.probing = true;
    while (this.suspect && !this.lost && this.failure === undefined) {
      this.suspect = false;
      const answer = this.request('ping', packParams('ping', {})).catch(() => {});
      if ((await within(answer, PROBE_INTERVAL)) === TIMED_OUT) this.suspect = true;
    }
    this.probing = false;
  }
}

function sameSecret(given: string, expected: string): boolean {
  // Of equal length whatever was given, as timingSafeEqual demands.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
