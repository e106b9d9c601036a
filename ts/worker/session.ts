import type { Envelope, Hello } from '../protocol/generated.ts';
import { VERBS } from '../protocol/generated.ts';
import type { CallOptions } from '../protocol/primitives.ts';
import { onceAborted } from './aborts.ts';
import { packEnvelope, packParams } from './codec.ts';
import { TIMED_OUT, within } from './deadline.ts';
import { WorkerCallError } from './errors.ts';
import { cancelledError, type PendingCall, PendingCalls } from './pendingCalls.ts';
import { type Deadlines, phaseOf } from './phases.ts';
import { MAX_MESSAGE_BYTES, type PeerId, type Transport } from './transport.ts';
import { Window } from './window.ts';

/** Milliseconds that a worker is given before it counts as lost. */
export interface Patience {
  /** Between the heartbeats that workers are asked for. */
  heartbeat: number;
  /** Without a word from a worker, after which its connection counts as lost; several heartbeats long. */
  silence: number;
  /** For a worker whose connection ended or who fell silent to come back. */
  reconnect: number;
  /** While its progress counter stands still, though it works or was asked to: by the kind of work. */
  deadlines: Deadlines;
}

const HALF_AN_HOUR = 1_800_000;

export const PATIENCE: Patience = {
  heartbeat: 2_000,
  silence: 30_000,
  reconnect: 30_000,
  deadlines: { load: HALF_AN_HOUR, sample: HALF_AN_HOUR, train: HALF_AN_HOUR, save: HALF_AN_HOUR },
};

/**
 * Why a worker cannot be used any more, though its process may live:
 * - `lost`: its connection ended and it did not come back
 * - `silent`: no heartbeat
 * - `stalled`: it lives, and what it does makes no progress
 * - `nonsense`: it sends what is no protocol
 */
export type BrokenCause = 'lost' | 'silent' | 'stalled' | 'nonsense';

export interface SessionOptions {
  patience: Patience;
  /** What requests to all workers together may take. */
  room: Window;
  /**
   * Called once. The owner of a process stops it and then calls {@link Session.fail}, so that callers hear
   * of an exit code if there is one. Absent: the session fails with the reason.
   */
  onBroken?(cause: BrokenCause, reason: string): void;
}

/** What a worker's heartbeats say. */
export interface Vitals {
  /** The verb being executed, or "". */
  busy: string;
  /** Work requests that wait in the worker. */
  queued: number;
  /** Grows while work is done. */
  progress: number;
  /** Heartbeats heard. */
  heartbeats: number;
}

/** How one request is sent. */
export interface RequestOptions extends CallOptions {
  /** Whether an abort is passed on to the worker; else it counts only before the request is sent. */
  cancellable?: boolean;
}

/** Bytes of requests under way to one worker; more wait with their callers instead of in the sockets' queues. */
const WINDOW_BYTES = 2 ** 28;

/** The same of all workers of a hub together: what it may hold of requests, however many workers there are. */
export const HUB_WINDOW_BYTES: number = 2 ** 31;

/** Milliseconds between two questions whether the worker is still there. */
const PROBE_INTERVAL = 200;

/** Messages that fit nothing asked, after which their sender counts as broken. */
const MOST_DROPPED = 10_000;

/**
 * One worker process, for as long as it lives, over as many connections as it needs. Requests that may be
 * repeated (`repeatable` in proto/protocol.yml) survive the loss of a connection: they are sent again on
 * the next one. Verbs and params are opaque here but for the control verbs.
 */
export class Session {
  readonly hello: Hello;
  /** Resolves with the error that ended the session. Never rejects. */
  readonly gone: Promise<WorkerCallError>;
  /** Told when the connection is lost, and when there is one again. */
  onConnection: ((connected: boolean) => void) | undefined;
  private readonly transport: Transport;
  private readonly options: SessionOptions;
  private readonly pending = new PendingCalls();
  private readonly window: Window;
  private readonly onGone: (error: WorkerCallError) => void;
  private readonly heard: Vitals = { busy: '', queued: 0, progress: 0, heartbeats: 0 };
  private peer: PeerId | undefined;
  private failure: WorkerCallError | undefined;
  private broken = false;
  private lastId = 0;
  private droppedCount = 0;
  private leaving = false;
  /** Requests for work that are pending, and those that were answered. */
  private owed = 0;
  private done = 0;
  /** Of the last message, and of the last message that showed progress; of `performance.now()`. */
  private heardAt = 0;
  private movedAt = 0;
  private awaitingReturn: NodeJS.Timeout | undefined;
  /** Nothing was heard for too long, on a connection that says nothing of its end. */
  private silent = false;
  /** Somebody hung up since the worker was last asked whether it is there. */
  private suspect = false;
  private probing = false;

  constructor(hello: Hello, transport: Transport, options: SessionOptions) {
    this.hello = hello;
    this.transport = transport;
    this.options = options;
    this.window = new Window(WINDOW_BYTES, options.room);
    let onGone!: (error: WorkerCallError) => void;
    this.gone = new Promise((resolve) => {
      onGone = resolve;
    });
    this.onGone = onGone;
  }

  /** Messages that fit no pending request and were dropped: late, or repeated. */
  get dropped(): number {
    return this.droppedCount;
  }

  get vitals(): Readonly<Vitals> {
    return this.heard;
  }

  /** Whether it has sampled or trained: loading alone gets no run further. */
  get hasWorked(): boolean {
    return this.done > 0;
  }

  /** Whether it was told to stop, so that its end is no loss. */
  get wasToldToStop(): boolean {
    return this.leaving;
  }

  /** Whether there is a connection, and it is not silent. */
  get connected(): boolean {
    return this.peer !== undefined && !this.silent;
  }

  /** A (new) connection of this worker; what it did not answer on the old one is asked again. */
  attach(peer: PeerId): void {
    this.peer = peer;
    this.silent = false;
    this.alive();
    this.movedAt = this.heardAt;
    for (const call of this.pending.list()) this.repeat(call);
    this.onConnection?.(true);
  }

  /**
   * Send a request and wait for its packed result.
   * @throws WorkerCallError with the worker's code, `cancelled`, or `worker_gone`
   */
  async request(verb: string, params: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    const { signal, onProgress, cancellable = false } = options;
    if (this.failure !== undefined) throw this.failure;
    if (signal?.aborted) throw cancelledError();
    // With room for the envelope around the params.
    if (params.byteLength > MAX_MESSAGE_BYTES - 1024) {
      const allowed = 'less than 1 GiB; send fewer sequences at a time';
      throw new WorkerCallError('invalid_request', `${verb}: saw ${params.byteLength} bytes, allowed is ${allowed}`);
    }

    const room = isControl(verb) ? () => {} : this.window.enter(params.byteLength, signal);
    const leave = typeof room === 'function' ? room : await room;
    if (this.failure !== undefined) {
      leave(); // whoever waits behind is to hear of it too
      throw this.failure;
    }
    this.leaving ||= verb === 'shutdown';
    // Who had nothing to do cannot have moved.
    if (this.owed === 0) this.movedAt = performance.now();
    const work = isControl(verb) ? 0 : 1;
    this.owed += work;
    const call = this.pending.add(this.nextId(), verb, params, onProgress);
    const forget = onceAborted(cancellable ? signal : undefined, () => this.abort(call));
    this.sendRequest(call);
    try {
      return await call.answer;
    } finally {
      this.owed -= work;
      forget();
      leave();
    }
  }

  /** A message of this worker. */
  receive(envelope: Envelope): void {
    this.alive();
    if (this.settle(envelope)) return;
    this.droppedCount += 1;
    if (this.droppedCount > MOST_DROPPED)
      this.break('nonsense', `it sent ${this.droppedCount} messages nobody asked for`);
  }

  /** Bytes of this worker that are no message. */
  receiveNonsense(problem: string): void {
    this.break('nonsense', `it sent what is no protocol message (${problem})`);
  }

  /** Judge its silence, and its standing still. To be called every now and then. @param now of `performance.now()` */
  check(now: number): void {
    const { silence, deadlines } = this.options.patience;
    if (this.peer !== undefined && !this.silent && now - this.heardAt > silence) {
      this.silent = true;
      this.onConnection?.(false);
      this.awaitReturn('silent', `it sent nothing for ${seconds(silence)}`);
    }
    const { busy } = this.heard;
    const doing = phaseOf(busy);
    if (doing !== undefined) {
      if (now - this.movedAt > deadlines[doing])
        this.break('stalled', `its ${busy} made no progress for ${seconds(deadlines[doing])}`);
      return;
    }
    const due = this.pending.first(({ verb }) => phaseOf(verb) !== undefined);
    const phase = due && phaseOf(due.verb);
    if (phase !== undefined && now - this.movedAt > deadlines[phase])
      this.break('stalled', `it was asked for ${due?.verb} and did nothing for ${seconds(deadlines[phase])}`);
  }

  /** Our own pause, not the worker's, was `milliseconds` long. */
  excuse(milliseconds: number): void {
    this.heardAt += milliseconds;
    this.movedAt += milliseconds;
  }

  /** It is of no use any more, whatever its heartbeats say. */
  giveUp(reason: string): void {
    this.break('stalled', reason);
  }

  /** Reject what is pending and whatever is asked from now on. The first error stands. */
  fail(error: WorkerCallError): void {
    clearTimeout(this.awaitingReturn);
    this.failure ??= error;
    this.broken = true;
    this.peer = undefined;
    this.pending.failAll(this.failure);
    this.onGone(this.failure);
  }

  /**
   * Somebody hung up. Whether it was this worker shows when something is sent to it, though not at once:
   * ZeroMQ tells of the end of a connection before the socket itself has noticed, and what is sent in
   * between is lost. So ask until there is an answer, or nobody to ask.
   */
  async probe(): Promise<void> {
    this.suspect = true;
    if (this.probing) return;
    this.probing = true;
    while (this.suspect && this.peer !== undefined && this.failure === undefined) {
      this.suspect = false;
      const answer = this.request('ping', packParams('ping', {})).catch(() => {});
      if ((await within(answer, PROBE_INTERVAL)) === TIMED_OUT) this.suspect = true;
    }
    this.probing = false;
  }

  private settle(envelope: Envelope): boolean {
    if (envelope.kind === 'Heartbeat') {
      const moved = envelope.progress !== this.heard.progress || envelope.busy !== this.heard.busy;
      if (moved) this.movedAt = this.heardAt;
      Object.assign(this.heard, { busy: envelope.busy, queued: envelope.queued, progress: envelope.progress });
      this.heard.heartbeats += 1;
      return true;
    }
    const call = this.tell(envelope);
    // A worker whose work is stuck goes on answering pings.
    if (call !== undefined && !isControl(call.verb)) this.movedAt = this.heardAt;
    const phase = envelope.kind === 'Response' && call !== undefined ? phaseOf(call.verb) : undefined;
    if (phase === 'sample' || phase === 'train') this.done += 1;
    return call !== undefined;
  }

  private tell(envelope: Envelope): PendingCall | undefined {
    if (envelope.kind === 'Response') return this.pending.succeed(envelope.id, envelope.result);
    if (envelope.kind === 'Failure') return this.pending.fail(envelope.id, envelope.error);
    if (envelope.kind === 'Progress') return this.pending.progress(envelope.id, envelope);
    return undefined;
  }

  private alive(): void {
    this.heardAt = performance.now();
    if (this.peer === undefined) return;
    clearTimeout(this.awaitingReturn);
    this.awaitingReturn = undefined;
    if (!this.silent) return;
    this.silent = false;
    this.onConnection?.(true);
  }

  private nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  private abort(call: PendingCall): void {
    call.aborted = true;
    // Its answer does not matter: `found: false` means that the request's own answer is on its way.
    if (this.peer !== undefined) this.request('cancel', packParams('cancel', { id: call.id })).catch(() => {});
    else this.pending.fail(call.id, cancelledError());
  }

  private repeat(call: PendingCall): void {
    const { id, verb, aborted } = call;
    if (aborted) {
      this.pending.fail(id, cancelledError());
    } else if (isRepeatable(verb)) {
      this.pending.renumber(call, this.nextId());
      this.sendRequest(call);
    } else {
      const message = `the worker lost its connection during ${verb}, which cannot be asked for twice`;
      this.pending.fail(id, new WorkerCallError('worker_gone', message));
    }
  }

  private sendRequest({ id, verb, params }: PendingCall): void {
    const { peer } = this;
    if (peer === undefined) return; // it is sent when the worker is back
    this.transport.send(peer, packEnvelope({ kind: 'Request', id, verb, params })).catch((error: Error) => {
      if (this.peer === peer) this.lose(error.message);
    });
  }

  private lose(reason: string): void {
    this.peer = undefined;
    this.onConnection?.(false);
    // A worker that was told to stop hangs up. Where its process is ours, its end is what counts.
    if (!this.leaving) this.awaitReturn('lost', `its connection was lost (${reason})`);
    else if (this.options.onBroken === undefined) {
      this.fail(new WorkerCallError('worker_gone', `the worker ${this.hello.workerId} stopped, as it was told to`));
    }
  }

  private awaitReturn(cause: 'lost' | 'silent', reason: string): void {
    if (this.awaitingReturn !== undefined || this.broken) return;
    this.awaitingReturn = setTimeout(() => this.break(cause, reason), this.options.patience.reconnect);
  }

  private break(cause: BrokenCause, reason: string): void {
    if (this.broken) return;
    this.broken = true;
    if (this.options.onBroken !== undefined) this.options.onBroken(cause, reason);
    else this.fail(new WorkerCallError('worker_gone', `the worker ${this.hello.workerId} is given up: ${reason}`));
  }
}

function isControl(verb: string): boolean {
  return Object.hasOwn(VERBS, verb) && VERBS[verb as keyof typeof VERBS].control;
}

function isRepeatable(verb: string): boolean {
  return Object.hasOwn(VERBS, verb) && VERBS[verb as keyof typeof VERBS].repeatable;
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}
