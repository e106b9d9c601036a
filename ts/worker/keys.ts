import { createPrivateKey, createPublicKey } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { capability, curveKeyPair } from 'zeromq';
import { decodeZ85, encodeZ85 } from './z85.ts';

/** A CURVE key pair (Curve25519), each half 40 characters of Z85. */
export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** What the orchestrator's end of CURVE needs: its own pair, and the public keys of who may connect. */
export interface CurveServer extends KeyPair {
  readonly allowed: ReadonlySet<string>;
}

/**
 * - `unreadable`: no such file, or none to be read
 * - `exposed`: others can read a secret, or change who may connect
 * - `malformed`: it does not hold what it should
 * - `mismatched`: keys that should belong together do not
 * - `unsupported`: this build of ZeroMQ has no CURVE
 */
export type KeyErrorCode = 'unreadable' | 'exposed' | 'malformed' | 'mismatched' | 'unsupported';

/** Keys that cannot be used. No message holds a secret, nor a line that might be one. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
  readonly code: KeyErrorCode;

  constructor(code: KeyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Whether ZeroMQ was built with CURVE. */
export function hasCurve(): boolean {
  return capability.curve === true;
}

/** @throws KeyError `unsupported` where ZeroMQ was built without CURVE; `available` is for tests */
export function requireCurve(available: boolean = hasCurve()): void {
  if (available) return;
  const cure = 'install the package zeromq as npm has it, whose own build does';
  throw new KeyError('unsupported', `this build of ZeroMQ has no CURVE, so it cannot encrypt; ${cure}`);
}

/** A new random pair. @throws KeyError `unsupported` */
export function createKeyPair(): KeyPair {
  requireCurve();
  return curveKeyPair();
}

/** The public half of a secret key: both are 40 characters of Z85. */
export function publicKeyOf(secretKey: string): string {
  const bytes = keyBytes(secretKey);
  if (bytes === undefined) throw new KeyError('malformed', 'a secret key is 40 characters of Z85');
  // PKCS #8 around the bare 32 bytes of an X25519 key, which is what CurveZMQ has (RFC 8410, section 7).
  const der = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), bytes]);
  const spki = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return encodeZ85(spki.export({ format: 'der', type: 'spki' }).subarray(-32));
}

/** Write a pair to a new file that its owner alone can read. @throws Error of the file system, EEXIST among them */
export function writeKeyPair(path: string, { publicKey, secretKey }: KeyPair): void {
  writeNew(path, `public = "${publicKey}"\nsecret = "${secretKey}"\n`, 0o600);
}

/** Write the public half to a new file. @throws Error of the file system, EEXIST among them */
export function writePublicKey(path: string, publicKey: string): void {
  writeNew(path, `public = "${publicKey}"\n`, 0o644);
}

/**
 * Read a pair.
 *
 * @throws KeyError when there is none, when others can read it, or when it is not a pair
 */
export function readKeyPair(path: string): KeyPair {
  const { public: publicKey, secret: secretKey } = readKeyFile(path, true);
  if (publicKey === undefined || secretKey === undefined) {
    const missing = publicKey === undefined ? 'public' : 'secret';
    throw new KeyError('malformed', `key file ${path}: it has no line ${missing} = "..."`);
  }
  if (publicKeyOf(secretKey) !== publicKey) {
    throw new KeyError('mismatched', `key file ${path}: its secret key does not belong to its public key ${publicKey}`);
  }
  return { publicKey, secretKey };
}

/**
 * Read a public key.
 *
 * @throws KeyError when there is none, or when the file holds a secret as well: it lies in the wrong place then
 */
export function readPublicKey(path: string): string {
  const { public: publicKey, secret } = readKeyFile(path, false);
  if (secret !== undefined) {
    throw new KeyError(
      'malformed',
      `key file ${path}: it holds a secret key; only the line public = "..." belongs here`,
    );
  }
  if (publicKey === undefined) throw new KeyError('malformed', `key file ${path}: it has no line public = "..."`);
  return publicKey;
}

/** Refuse a file or folder that others than its owner could change. @throws KeyError `exposed`, `unreadable` */
export function requireUnwritable(path: string): void {
  const { mode } = attempt(path, () => statSync(path));
  refuseMode(path, mode, 0o022, 'group or others can write it', 'go-w');
}

/** Bits of `mask` in a mode are refused. Windows has no such modes. */
function refuseMode(path: string, mode: number, mask: number, what: string, change: string): void {
  if (process.platform === 'win32' || (mode & mask) === 0) return;
  const seen = (mode & 0o777).toString(8).padStart(4, '0');
  throw new KeyError('exposed', `${path}: ${what} (mode ${seen}); mend it by: chmod ${change} ${path}`);
}

/** The keys of a file by their names: lines `public = "..."` and `secret = "..."`, each once, and `#` comments. */
function readKeyFile(path: string, secret: boolean): { public?: string; secret?: string } {
  const text = attempt(path, () => {
    // One handle, so that what is checked is what is read.
    const handle = openSync(path, 'r');
    try {
      const { mode } = fstatSync(handle);
      if (secret) refuseMode(path, mode, 0o077, 'group or others have access to this secret', '600');
      else refuseMode(path, mode, 0o022, 'group or others can write it', 'go-w');
      return readFileSync(handle, 'utf8');
    } finally {
      closeSync(handle);
    }
  });
  const keys: { public?: string; secret?: string } = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const wrong = (what: string): KeyError => new KeyError('malformed', `key file ${path}: line ${index + 1}: ${what}`);
    const match = /^\s*(public|secret)\s*=\s*"([^"]*)"\s*(#.*)?$/.exec(line);
    if (match === null) throw wrong('allowed are public = "..." and secret = "..."');
    const [, name, value] = match as unknown as [string, 'public' | 'secret', string];
    if (keyBytes(value) === undefined) {
      throw wrong(`saw ${value.length} characters as the ${name} key, allowed are 40 of Z85`);
    }
    if (keys[name] !== undefined) throw wrong(`a second ${name} key`);
    keys[name] = value;
  }
  return keys;
}

function keyBytes(key: string): Uint8Array | undefined {
  return key.length === 40 ? decodeZ85(key) : undefined;
}

function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof KeyError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'no such file; `rzero keys` makes one' : message;
    throw new KeyError('unreadable', `key file ${path}: ${reason}`);
  }
}

/** A file cut short by a full disk does not stay; one cut short by a power cut is no key when it is read. */
function writeNew(path: string, text: string, mode: number): void {
  const handle = openSync(path, 'wx', mode);
  try {
    writeFileSync(handle, text, { flush: true });
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(handle);
  }
}
