import { Router } from 'zeromq';
import { encodeZ85 } from './z85.ts';

/** Somebody who was not let in. */
export interface Refusal {
  /** One sentence for the log. */
  reason: string;
  /** The public key it showed, if it showed one: 40 characters of Z85. */
  key?: string;
  /** Its IP address, where ZeroMQ tells it. */
  address?: string;
}

/** The sockets of one ZAP domain: who may connect to them with CURVE. Nobody may without. */
export interface ZapDomain {
  /** Public keys, 40 characters of Z85; asked for every connection, so a change counts from the next one on. */
  readonly allowed: ReadonlySet<string>;
  /** Called for each connection that was refused. It must not throw. */
  onRefused(refusal: Refusal): void;
}

/** Where ZeroMQ asks, for every socket of this process (RFC 27). */
export const ZAP_ENDPOINT = 'inproc://zeromq.zap.01';

const domains = new Map<string, ZapDomain>();
let handler: Router | undefined;
/** Starts take turns, so that there is one handler. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Milliseconds in which ZeroMQ's own thread gives the address of a closed handler back; it takes one. Unbinding it
 * first is no cure: zeromq.js 6.8.0 does that in a thread of its own while ours goes on polling the socket, which no
 * ZeroMQ socket bears (now and then it ends the process), and its unbindSync binds.
 */
const ADDRESS_WAIT = 1_000;

/**
 * Answer ZeroMQ's questions about a domain. One handler serves all domains of the process; it is there
 * from the first guarded domain until the last one is released, and holds the process alive so long.
 *
 * @returns the function that releases the domain, after which its sockets let nobody in
 * @throws Error EADDRINUSE when somebody else in this process handles ZAP
 */
export async function guardDomain(name: string, domain: ZapDomain): Promise<() => void> {
  if (domains.has(name)) throw new Error(`the ZAP domain ${name} is guarded already`);
  const release = (): void => {
    if (domains.get(name) !== domain) return;
    domains.delete(name);
    if (domains.size > 0) return;
    handler?.close();
    handler = undefined;
  };
  domains.set(name, domain);
  const started = turn.then(async () => {
    handler ??= await startHandler();
  });
  turn = started.catch(() => {});
  try {
    await started;
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

async function startHandler(): Promise<Router> {
  const socket = new Router({ linger: 0, sendTimeout: 0 });
  const deadline = performance.now() + ADDRESS_WAIT;
  for (;;) {
    try {
      await socket.bind(ZAP_ENDPOINT);
      break;
    } catch (error) {
      if ((error as { code?: unknown }).code === 'EADDRINUSE' && performance.now() < deadline) continue;
      socket.close();
      throw error;
    }
  }
  void serve(socket);
  return socket;
}

async function serve(socket: Router): Promise<void> {
  try {
    for await (const [peer, delimiter, ...request] of socket) {
      if (peer === undefined || delimiter?.byteLength !== 0) continue; // nobody to answer
      // A connection that has gone meanwhile needs no answer: a ROUTER drops it.
      await socket.send([peer, '', ...answerZap(request, domains)]);
    }
  } catch (error) {
    // Waiting for the next question ends here when the handler stops.
    if (!socket.closed) throw error;
  }
}

/**
 * The answer to one question of ZeroMQ's (RFC 27): version, request id, status, text, user id, metadata.
 * Status 200 lets in, 400 refuses, 500 is for a question that is none.
 *
 * @param request version, request id, domain, address, identity, mechanism, credentials
 */
export function answerZap(
  request: readonly Uint8Array[],
  known: ReadonlyMap<string, ZapDomain>,
): (string | Uint8Array)[] {
  const [version, id = '', domainName, from, , mechanismName, ...credentials] = request;
  const answer = (status: 200 | 400 | 500, text: string, user = '') => ['1.0', id, String(status), text, user, ''];
  if (text(version) !== '1.0' || mechanismName === undefined) return answer(500, 'malformed request');

  const domain = known.get(text(domainName));
  if (domain === undefined) return answer(400, 'unknown domain');
  const mechanism = text(mechanismName);
  const refuse = (reason: string, key?: string) => {
    domain.onRefused({ reason, address: text(from), ...(key === undefined ? {} : { key }) });
    return answer(400, 'refused');
  };
  if (mechanism !== 'CURVE') return refuse(`it came with ${JSON.stringify(mechanism)}, allowed is CURVE`);
  const [clientKey, ...rest] = credentials;
  if (clientKey?.byteLength !== 32 || rest.length > 0) return answer(500, 'malformed credentials');
  const key = encodeZ85(clientKey);
  return domain.allowed.has(key)
    ? answer(200, 'OK', key)
    : // Its beginning tells which it is; a whole key looks like a secret one, which no log may show.
      refuse(`its public key ${key.slice(0, 12)}... is not among the allowed ones`, key);
}

function text(frame: Uint8Array | undefined): string {
  return frame === undefined ? '' : Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8');
}
