import { createHash, randomUUID } from 'node:crypto';
import type { Hello, WorkerError } from '../protocol/generated.ts';
import { PROTOCOL_HASH } from '../protocol/generated.ts';
import { packEnvelope, peekHello, unpackEnvelope } from './codec.ts';
import { WorkerCallError, WorkerStartError } from './errors.ts';
import { type BrokenCause, HUB_WINDOW_BYTES, PATIENCE, type Patience, Session } from './session.ts';
import {
  bindTransport,
  type PeerId,
  type Transport,
  type TransportHandlers,
  type TransportOptions,
} from './transport.ts';
import { Window } from './window.ts';

/** Whom a token lets in, and who hears of it. */
export interface Invitation {
  /** Whether one worker at a time may use the token; else any number may. */
  single: boolean;
  /** A worker process is here, for the first time. */
  onJoin(session: Session): void;
  /** Somebody knew the token and could not be let in. */
  onRefused?(error: WorkerStartError): void;
  /** See SessionOptions. */
  onBroken?(session: Session, cause: BrokenCause, reason: string): void;
}

export interface HubOptions extends Pick<TransportOptions, 'address' | 'curve'> {
  patience?: Partial<Patience>;
  /** Ours unless a test says otherwise. */
  protocolHash?: string;
  /** The run's id, 1 to 64 bytes; a random one by default. Workers forget what they did for another. */
  run?: string;
  /** Told why a peer was not let in. One that tries again and again is told of each time. */
  onTurnedAway?(reason: string): void;
  /** Which orchestrator of the run this is; 1 by default. A worker that has met a higher one does not obey. */
  attempt?: number;
}

/** Bytes that a first message may have: who has not been let in is not listened to for long. */
const MOST_HELLO_BYTES = 2 ** 16;

/**
 * The place where workers connect to. It lets in who holds an invitation, keeps a session for each worker
 * process over all its connections, and gives messages to the session they belong to.
 */
export class Hub {
  private readonly protocolHash: string;
  private readonly welcome: Uint8Array;
  private readonly patience: Patience;
  private readonly invitations = new Map<string, Invitation>();
  /** Whose session, and under which invitation it came, by instance. */
  private readonly instances = new Map<string, { session: Session; invitation: Invitation }>();
  private readonly peers = new Map<PeerId, Session>();
  private readonly room = new Window(HUB_WINDOW_BYTES);
  private transport!: Transport;
  private readonly onTurnedAway: (reason: string) => void;
  private strangerCount = 0;
  private stranger: string | undefined;
  private watch: NodeJS.Timeout | undefined;
  private lastLook = performance.now();

  private constructor(options: HubOptions) {
    this.protocolHash = options.protocolHash ?? PROTOCOL_HASH;
    this.patience = { ...PATIENCE, ...options.patience };
    this.onTurnedAway = options.onTurnedAway ?? (() => {});
    this.welcome = packEnvelope({
      kind: 'Welcome',
      protocolHash: this.protocolHash,
      run: options.run ?? randomUUID(),
      attempt: options.attempt ?? 1,
      heartbeatSeconds: this.patience.heartbeat / 1000,
    });
  }

  /**
   * Bind and listen.
   * @throws what `bindTransport` throws; ProtocolError for a run or an attempt that no Welcome can name
   */
  static async bind({ address, curve, ...options }: HubOptions = {}): Promise<Hub> {
    const hub = new Hub(options);
    const handlers: TransportHandlers = {
      onMessage: (peer, payload) => hub.receive(peer, payload),
      onDisconnect: () => {
        for (const session of new Set(hub.peers.values())) void session.probe();
      },
      onRefused: ({ reason, address }) => hub.turnAway(address ? `${reason}; it dialled from ${address}` : reason),
    };
    hub.transport = await bindTransport(handlers, {
      ...(address === undefined ? {} : { address }),
      ...(curve === undefined ? {} : { curve }),
    });
    hub.watch = setInterval(() => hub.look(performance.now()), hub.patience.heartbeat);
    // Listening alone keeps no process alive.
    hub.watch.unref();
    return hub;
  }

  get endpoint(): string {
    return this.transport.endpoint;
  }

  /** Connections and messages of peers that were not let in. */
  get turnedAwayCount(): number {
    return this.strangerCount;
  }

  /** Why the last of them was not. */
  get turnedAway(): string | undefined {
    return this.stranger;
  }

  /** Let in who knows the token, until it is revoked. A token is as good as a password: 32 random bytes. */
  invite(token: string, invitation: Invitation): void {
    this.invitations.set(digest(token), invitation);
  }

  revoke(token: string): void {
    this.invitations.delete(digest(token));
  }

  /** End all sessions and free the socket. */
  close(): void {
    clearInterval(this.watch);
    for (const { session } of this.instances.values()) {
      session.fail(new WorkerCallError('worker_gone', 'the connection to the worker was closed'));
    }
    this.transport.close();
  }

  private receive(from: PeerId, payload: Uint8Array): void {
    const session = this.peers.get(from);
    try {
      if (session === undefined || peekHello(payload) !== undefined) this.greet(from, payload);
      else session.receive(unpackEnvelope(payload));
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (session !== undefined) session.receiveNonsense(problem);
      else this.turnAway(`it sent what is no protocol message (${problem})`);
    }
  }

  /** @throws ProtocolError on what is no Hello of the protocol, though it begins like one */
  private greet(from: PeerId, payload: Uint8Array): void {
    const claim = payload.byteLength > MOST_HELLO_BYTES ? undefined : peekHello(payload);
    if (claim === undefined) {
      this.turnAway(`its first message was no Hello (${payload.byteLength} bytes)`);
      return;
    }
    // The token first: whoever does not know one must not learn more, nor end a start with a wrong hash.
    const invitation = this.invitations.get(digest(claim.token));
    if (invitation === undefined) {
      void this.refuse(from, 'the token is not one that this orchestrator gave out in RZERO_TOKEN');
    } else if (claim.protocolHash !== this.protocolHash) {
      const message = `the worker speaks protocol ${claim.protocolHash}, the orchestrator ${this.protocolHash}; both must come from the same proto/protocol.yml`;
      // After the refusal has left, since whoever waits for the worker may close the socket when it hears of it.
      void this.refuse(from, message).then(() => {
        invitation.onRefused?.(new WorkerStartError('unauthorized', message));
      });
    } else {
      this.admit(from, unpackEnvelope(payload) as Hello, invitation);
    }
  }

  private admit(from: PeerId, hello: Hello, invitation: Invitation): void {
    const known = this.instances.get(hello.instanceId);
    if (known !== undefined && known.invitation !== invitation) {
      void this.refuse(from, 'a worker of this instanceId came with another token');
      return;
    }
    const others = [...this.instances.values()].some((other) => other !== known && other.invitation === invitation);
    if (invitation.single && others) {
      void this.refuse(from, 'a worker is connected already');
      return;
    }

    const session = known?.session ?? this.open(hello, invitation);
    for (const [peer, owner] of this.peers) if (owner === session) this.peers.delete(peer);
    this.peers.set(from, session);
    // A peer that has left already is found out like any other.
    this.transport.send(from, this.welcome).catch(() => void session.probe());
    session.attach(from);
    if (known === undefined) invitation.onJoin(session);
  }

  private open(hello: Hello, invitation: Invitation): Session {
    const session: Session = new Session(hello, this.transport, {
      patience: this.patience,
      room: this.room,
      ...(invitation.onBroken === undefined
        ? {}
        : { onBroken: (cause, reason) => invitation.onBroken?.(session, cause, reason) }),
    });
    this.instances.set(hello.instanceId, { session, invitation });
    void session.gone.then(({ message }) => {
      this.instances.delete(hello.instanceId);
      for (const [peer, owner] of this.peers) {
        if (owner !== session) continue;
        this.peers.delete(peer);
        // One that lives all the same ends, and does not wait for work that never comes.
        void this.dismiss(peer, message);
      }
    });
    return session;
  }

  /** Never rejects. */
  private async refuse(peer: PeerId, message: string): Promise<void> {
    this.turnAway(message);
    await this.dismiss(peer, message);
  }

  /** Never rejects. */
  private async dismiss(peer: PeerId, message: string): Promise<void> {
    const error: WorkerError = { code: 'unauthorized', message };
    // A peer that has left needs no refusal.
    await this.transport.send(peer, packEnvelope({ kind: 'Refusal', error })).catch(() => {});
  }

  private turnAway(reason: string): void {
    this.strangerCount += 1;
    this.stranger = reason;
    this.onTurnedAway(reason);
  }

  /** Look after every worker; a look that comes late (the machine slept, Ctrl-Z) blames nobody for it. */
  private look(now: number): void {
    const late = now - this.lastLook - this.patience.heartbeat;
    this.lastLook = now;
    for (const { session } of this.instances.values()) {
      if (late > this.patience.heartbeat) session.excuse(late);
      session.check(now);
    }
  }
}

function digest(token: string): string {
  // A lookup by digest takes no longer for a token that is nearly right.
  return createHash('sha256').update(token).digest('hex');
}
