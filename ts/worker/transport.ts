import { Router } from 'zeromq';

/** A connected peer, as long as its connection lives. Opaque; a reconnect is another peer. */
export type PeerId = string;

/** What a transport tells its owner. Neither may throw. */
export interface TransportHandlers {
  onMessage(peer: PeerId, payload: Uint8Array): void;
  /** Some connection ended; ZeroMQ does not say whose. */
  onDisconnect(): void;
}

/** Bytes to and from peers over one bound ROUTER. Knows no verb. */
export interface Transport {
  /** Where peers connect to, `tcp://127.0.0.1:PORT`. */
  readonly endpoint: string;
  /**
   * Resolves when ZeroMQ took the message over. `payload` must not change after the call.
   * @throws TransportError when the peer is not connected or the transport is closed
   */
  send(peer: PeerId, payload: Uint8Array): Promise<void>;
  /** Messages that were not [identity, payload] and were dropped. */
  readonly malformed: number;
  /** Free the socket and its port; messages not yet sent get `linger` to leave. Safe to call twice. */
  close(): void;
}

/** A message could not be handed over. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: 'unreachable' | 'closed' | 'send_failed';

  constructor(code: TransportError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** A larger message makes ZeroMQ hang up on its sender. */
export const MAX_MESSAGE_BYTES: number = 2 ** 30;

const SOCKET_OPTIONS = {
  // Without it a message to a peer that has left is dropped in silence.
  mandatory: true,
  // A mandatory ROUTER without any peer, or with a full queue, would wait for one (libzmq#4665 for ever).
  // So never wait: a message is queued, however many there are, or its peer is unreachable.
  sendTimeout: 0,
  sendHighWaterMark: 0,
  // Long enough for a refusal to leave, short enough not to be noticed at exit.
  linger: 1_000,
  maxMessageSize: MAX_MESSAGE_BYTES,
  // PING is answered by the peer's I/O thread, also while Python is busy: it finds a stopped process
  // or a dead link, not a stuck worker. No time-to-live is announced, so that suspending the
  // orchestrator (Ctrl-Z) does not make the worker hang up.
  heartbeatInterval: 10_000,
  heartbeatTimeout: 60_000,
  handshakeInterval: 30_000,
} as const;

/** One message waiting for its turn. */
interface Outgoing {
  peer: PeerId;
  payload: Uint8Array;
  resolve(): void;
  reject(error: TransportError): void;
}

/** Bind a ROUTER to a port of the loopback interface, a free one unless given, and start to receive. */
export async function bindTransport(handlers: TransportHandlers, port?: number): Promise<Transport> {
  const socket = new Router(SOCKET_OPTIONS);
  await socket.bind(`tcp://127.0.0.1:${port ?? '*'}`);
  const endpoint = socket.lastEndpoint;
  if (endpoint === null) throw new TransportError('closed', 'the socket has no endpoint after bind');

  const queue: Outgoing[] = [];
  let pumping = false;
  let malformed = 0;

  // A ZeroMQ socket admits one send at a time (EBUSY), so one loop sends for everybody.
  async function pump(): Promise<void> {
    if (pumping) return;
    pumping = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      if (socket.closed) {
        next.reject(closedError());
        continue;
      }
      try {
        await socket.send([Buffer.from(next.peer, 'hex'), next.payload]);
        next.resolve();
      } catch (error) {
        next.reject(socket.closed ? closedError() : sendError(error));
      }
    }
    pumping = false;
  }

  async function receive(): Promise<void> {
    try {
      for await (const [identity, payload, ...rest] of socket) {
        if (identity === undefined || payload === undefined || rest.length > 0) malformed += 1;
        else handlers.onMessage(identity.toString('hex'), payload);
      }
    } catch (error) {
      // The pending receive of a closed socket ends here.
      if (!socket.closed) throw error;
    }
  }

  async function watch(): Promise<void> {
    for await (const event of socket.events) {
      if (event.type === 'disconnect' && !socket.closed) handlers.onDisconnect();
    }
  }

  void watch();
  void receive();

  return {
    endpoint,
    get malformed() {
      return malformed;
    },
    send(peer, payload) {
      return new Promise((resolve, reject) => {
        queue.push({ peer, payload, resolve, reject });
        void pump();
      });
    },
    close() {
      if (!socket.closed) socket.close();
    },
  };
}

function closedError(): TransportError {
  return new TransportError('closed', 'the connection was closed');
}

function sendError(error: unknown): TransportError {
  const code = (error as { code?: unknown }).code;
  if (code === 'EHOSTUNREACH') return new TransportError('unreachable', 'the peer is not connected');
  return new TransportError('send_failed', error instanceof Error ? error.message : String(error));
}
