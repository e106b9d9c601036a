import { lstatSync } from 'node:fs';
import { Router } from 'zeromq';
import { LIMITS } from '../protocol/generated.ts';
import { type ListenAddress, LOOPBACK, parseListenAddress } from './address.ts';
import { type CurveServer, requireCurve } from './keys.ts';
import { guardDomain, type Refusal } from './zap.ts';

/** A connected peer, as long as its connection lives. Opaque; a reconnect is another peer. */
export type PeerId = string;

/** What a transport tells its owner. Neither may throw. */
export interface TransportHandlers {
  onMessage(peer: PeerId, payload: Uint8Array): void;
  /** Some connection ended; ZeroMQ does not say whose. */
  onDisconnect(): void;
  /** Somebody could not connect: no CURVE, the wrong server key, a key that is not allowed. It may try again at once. */
  onRefused?(refusal: Refusal): void;
}

/** Where to bind, and who may connect. */
export interface TransportOptions {
  /** As `parseListenAddress` takes it; a free port of the loopback interface unless given. */
  address?: string;
  /** Encrypt, and let in these keys alone. Without it nothing but this machine's own addresses can be bound. */
  curve?: CurveServer;
  /** {@link MAX_MESSAGE_BYTES} unless a test says otherwise. */
  maxMessageBytes?: number;
}

/** Bytes to and from peers over one bound ROUTER. Knows no verb. */
export interface Transport {
  /**
   * Where peers connect to, `tcp://HOST:PORT` or `ipc:///path`, the port known. Where it was bound to all
   * interfaces, HOST is `0.0.0.0` or `[::]`: only peers of this machine can connect by that name, and by which
   * name others reach this machine is not known here.
   */
  readonly endpoint: string;
  /**
   * Resolves when ZeroMQ took the message over. `payload` must not change after the call.
   * @param more further frames, which make it a message that no peer should take
   * @throws TransportError when the peer is not connected or the transport is closed
   */
  send(peer: PeerId, payload: Uint8Array, ...more: Uint8Array[]): Promise<void>;
  /** Messages that were not [identity, payload] and were dropped. */
  readonly malformed: number;
  /** Connections that were refused; one that tries again and again counts each time. */
  readonly refused: number;
  /** Free the socket and its port; messages not yet sent get `linger` to leave. Safe to call twice. */
  close(): void;
}

/**
 * - `unreachable`: the peer is not connected
 * - `closed`: the transport is closed
 * - `send_failed`: a message could not be handed over
 * - `insecure`: the address leaves this machine, and there are no keys
 * - `bind_failed`: the address cannot be bound: in use, not this machine's, not permitted
 */
export type TransportErrorCode = 'unreachable' | 'closed' | 'send_failed' | 'insecure' | 'bind_failed';

/** A message could not be handed over, or an address not bound. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A larger message makes ZeroMQ hang up on its sender. */
export const MAX_MESSAGE_BYTES: number = LIMITS.messageBytes;

const SOCKET_OPTIONS = {
  // Without it a message to a peer that has left is dropped in silence.
  mandatory: true,
  // A mandatory ROUTER without any peer, or with a full queue, would wait for one (libzmq#4665 for ever).
  // So never wait: a message is queued, however many there are, or its peer is unreachable.
  sendTimeout: 0,
  sendHighWaterMark: 0,
  // Long enough for a refusal to leave, short enough not to be noticed at exit.
  linger: 1_000,
  // PING is answered by the peer's I/O thread, also while Python is busy: it finds a stopped process
  // or a dead link, not a stuck worker. No time-to-live is announced, so that suspending the
  // orchestrator (Ctrl-Z) does not make the worker hang up.
  heartbeatInterval: 10_000,
  heartbeatTimeout: 60_000,
  handshakeInterval: 30_000,
} as const;

/** Each bound socket is a domain of its own, with its own list of who may connect. */
let lastDomain = 0;

/**
 * Bind a ROUTER and start to receive.
 *
 * @throws AddressError for an address that is none, TransportError `insecure` or `bind_failed`, KeyError
 *   `unsupported` where ZeroMQ has no CURVE; nothing is bound then
 */
export async function bindTransport(handlers: TransportHandlers, options: TransportOptions = {}): Promise<Transport> {
  const { address = LOOPBACK, curve, maxMessageBytes = MAX_MESSAGE_BYTES } = options;
  const listen = parseListenAddress(address);
  if (curve !== undefined) requireCurve();
  else if (listen.leavesMachine) throw insecureError(address);

  let refused = 0;
  const onRefused = (refusal: Refusal): void => {
    refused += 1;
    handlers.onRefused?.(refusal);
  };
  lastDomain += 1;
  const domain = `rzero-${lastDomain}`;
  // Before the socket is bound, so that nobody who comes early goes unasked.
  const release = curve === undefined ? () => {} : await guardDomain(domain, { allowed: curve.allowed, onRefused });
  const socket = new Router({
    ...SOCKET_OPTIONS,
    maxMessageSize: maxMessageBytes,
    ipv6: listen.ipv6,
    ...(curve === undefined ? {} : securityOptions(curve, domain)),
  });
  try {
    await bindSocket(socket, listen);
  } catch (error) {
    socket.close();
    release();
    throw error;
  }
  const endpoint = socket.lastEndpoint ?? listen.endpoint;

  let malformed = 0;

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
      if (socket.closed) continue;
      if (event.type === 'disconnect') handlers.onDisconnect();
      // A refusal of ours (`auth`) has been told by the one who refused.
      if (event.type === 'handshake:error:protocol' || event.type === 'handshake:error:other') {
        onRefused({ reason: `it did not shake hands as it should (${event.error.message})` });
      }
    }
  }

  void watch();
  void receive();

  return {
    endpoint,
    get malformed() {
      return malformed;
    },
    get refused() {
      return refused;
    },
    async send(peer, ...frames) {
      if (socket.closed) throw closedError();
      try {
        // A socket whose `sendTimeout` is 0 takes a message at once or not at all, so that none is sent while another
        // is; any other would admit one send at a time (EBUSY).
        await socket.send([Buffer.from(peer, 'hex'), ...frames]);
      } catch (error) {
        throw socket.closed ? closedError() : sendError(error);
      }
    },
    close() {
      if (socket.closed) return;
      socket.close();
      release();
    },
  };
}

function securityOptions({ publicKey, secretKey }: CurveServer, zapDomain: string) {
  // Enforced: without anybody to ask who may connect, nobody may. ZeroMQ would let in everybody else.
  return { curveServer: true, curvePublicKey: publicKey, curveSecretKey: secretKey, zapDomain, zapEnforceDomain: true };
}

async function bindSocket(socket: Router, { endpoint, path }: ListenAddress): Promise<void> {
  // ZeroMQ would remove whatever is there, another orchestrator's socket or a file.
  if (path !== undefined && lstatSync(path, { throwIfNoEntry: false }) !== undefined) {
    const cure = 'choose another path, or remove it if no orchestrator listens there any more';
    throw new TransportError('bind_failed', `cannot listen at ${endpoint}: the path exists already; ${cure}`);
  }
  try {
    await socket.bind(endpoint);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new TransportError('bind_failed', `cannot listen at ${endpoint}: ${BIND_PROBLEMS[code] ?? message}`);
  }
}

const BIND_PROBLEMS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use; choose another, or * for a free one',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENODEV: 'this machine has no such address or network interface',
  EACCES: 'this user may not listen there',
  ENOENT: 'the folder does not exist, or this user may not write to it',
};

function insecureError(address: string): TransportError {
  const cure =
    'make keys with `rzero keys DIR` and name that folder (worker.keys, --keys), or listen at tcp://127.0.0.1:*';
  const message = `address ${JSON.stringify(address)} can be reached from other machines, which needs keys: ${cure}`;
  return new TransportError('insecure', message);
}

function closedError(): TransportError {
  return new TransportError('closed', 'the connection was closed');
}

function sendError(error: unknown): TransportError {
  const code = (error as { code?: unknown }).code;
  if (code === 'EHOSTUNREACH') return new TransportError('unreachable', 'the peer is not connected');
  return new TransportError('send_failed', error instanceof Error ? error.message : String(error));
}
