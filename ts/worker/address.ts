import { BlockList, isIP, isIPv6 } from 'node:net';

/** Where to listen for workers. */
export interface ListenAddress {
  /** As ZeroMQ takes it: `tcp://HOST:PORT` with `*` for any free port, or `ipc:///path`. */
  readonly endpoint: string;
  /** The socket file of an ipc address. */
  readonly path: string | undefined;
  /** Whether HOST is an IPv6 address, for which ZeroMQ wants an option. */
  readonly ipv6: boolean;
  /** Whether others than this machine's own processes can reach it. */
  readonly leavesMachine: boolean;
}

/** An address that nobody can listen at. The message says which it was and what is allowed. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly code = 'invalid_address';
}

/** Where the orchestrator listens unless told otherwise: this machine, a port that is free. */
export const LOOPBACK = 'tcp://127.0.0.1:*';

const ALLOWED =
  'tcp://HOST:PORT or ipc:///PATH (HOST: an IPv4 address, an IPv6 address in brackets, a name or a network interface; ' +
  'PORT: 1 to 65535, or * for a free one; PATH: absolute, of at most 103 bytes)';

// Linux has room for 107 bytes, macOS for 103.
const MAX_IPC_PATH_BYTES = 103;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Read where to listen: `tcp://127.0.0.1:*`, `tcp://HOST:PORT`, `tcp://[::1]:PORT`, `ipc:///path`.
 * ZeroMQ itself is more generous: it takes port 99999 for 34463, and what is no address for a host to look up.
 *
 * @throws AddressError for anything else
 */
export function parseListenAddress(text: string): ListenAddress {
  const parsed = text.startsWith('ipc://') ? parseIpc(text.slice('ipc://'.length)) : parseTcp(text);
  if (parsed === undefined) throw new AddressError(`address ${JSON.stringify(text)}: allowed is ${ALLOWED}`);
  return parsed;
}

function parseIpc(path: string): ListenAddress | undefined {
  // Not @name: such a socket is no file, so any user may connect to it.
  const usable = /^\/.*[^/]$/.test(path) && !path.includes('\0') && Buffer.byteLength(path) <= MAX_IPC_PATH_BYTES;
  return usable ? { endpoint: `ipc://${path}`, path, ipv6: false, leavesMachine: false } : undefined;
}

function parseTcp(text: string): ListenAddress | undefined {
  const match = /^tcp:\/\/(?:\[(?<ipv6>[^\]]*)\]|(?<name>[^:[\]]*)):(?<port>\*|[1-9]\d{0,4})$/.exec(text);
  const { ipv6, name = '', port = '' } = match?.groups ?? {};
  if (match === null || Number(port) > 65_535) return undefined;
  if (ipv6 !== undefined) {
    if (!isIPv6(ipv6)) return undefined;
    return { endpoint: text, path: undefined, ipv6: true, leavesMachine: !isLoopback(ipv6) };
  }
  // By its number, so that no resolver can send it elsewhere.
  const host = name === 'localhost' ? '127.0.0.1' : name;
  // A name starts with a letter: `127.1` and `2130706433` are spellings of addresses that not everybody reads alike.
  if (isIP(host) === 0 && !/^[A-Za-z][A-Za-z0-9._-]*$/.test(host)) return undefined;
  return { endpoint: `tcp://${host}:${port}`, path: undefined, ipv6: false, leavesMachine: !isLoopback(host) };
}

/** A name is never one, whatever it resolves to today. */
function isLoopback(host: string): boolean {
  const version = isIP(host);
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
