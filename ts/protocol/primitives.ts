import { endianness } from 'node:os';

// Packed arrays are little-endian on the wire and are viewed in place as the host's typed arrays.
if (endianness() !== 'LE') throw new Error('rzero needs a little-endian host: packed arrays are little-endian');

/** How a caller follows or ends a call to a worker. */
export interface CallOptions {
  /** Aborting it cancels the request in the worker; the call then rejects with code `cancelled`. */
  readonly signal?: AbortSignal;
  /** Called for each progress report, `done` out of `total`. */
  readonly onProgress?: (progress: { done: number; total: number }) => void;
}

/** A message that does not follow proto/protocol.yml. The message names the path, the value seen and what is allowed. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code = 'invalid_request';
  /** Where in the message, e.g. `SampleParams.sampling.topP`. */
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}

/**
 * Turns a value into what ts/worker/codec.ts can pack and back. Both directions are strict and throw a
 * {@link ProtocolError}; `path` is where the value stands in the message, for that error.
 */
export interface Codec<T> {
  encode(value: T, path: string): unknown;
  decode(wire: unknown, path: string): T;
}

/** A codec of a field that may be absent. Only {@link tStruct} looks at `optional`. */
export interface OptionalCodec<T> extends Codec<T> {
  readonly optional: true;
}

/**
 * A number that must keep its width on the wire: a float stays a float64 when its value is whole (JavaScript
 * cannot tell 1.0 from 1), an integer beyond 32 bits stays an integer (msgpackr would write a float).
 */
export class WideNumber {
  readonly value: number;
  readonly type: 'float' | 'int';

  constructor(value: number, type: 'float' | 'int') {
    this.value = value;
    this.type = type;
  }
}

const MAX_SHOWN = 60;

/** A short account of a value for an error message. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > MAX_SHOWN ? `${JSON.stringify(value.slice(0, MAX_SHOWN))}...` : JSON.stringify(value);
  }
  if (typeof value === 'bigint') return `${value}`;
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
  return `a map of ${Object.keys(value).length} keys`;
}

function refuse(path: string, value: unknown, allowed: string): never {
  throw new ProtocolError(path, `saw ${describe(value)}, expected ${allowed}`);
}

function scalar<T>(check: (value: unknown) => value is T, allowed: string, toWire?: (value: T) => unknown): Codec<T> {
  const decode = (value: unknown, path: string): T => (check(value) ? value : refuse(path, value, allowed));
  return {
    encode: (value, path) => (toWire ? toWire(decode(value, path)) : decode(value, path)),
    decode,
  };
}

const LARGEST_32 = 2 ** 32;
const isInt = (value: unknown): value is number => Number.isSafeInteger(value);
const isFloat = (value: unknown): value is number => Number.isFinite(value);

/** `true` or `false`. */
export const tBool: Codec<boolean> = scalar((v): v is boolean => typeof v === 'boolean', 'true or false');

/** A whole number, |x| <= 2^53-1. */
export const tInt: Codec<number> = scalar(isInt, 'an integer within +-(2^53-1)', (v) =>
  v >= LARGEST_32 || v < -LARGEST_32 / 2 ? new WideNumber(v, 'int') : v + 0,
);

/** A finite double. */
export const tFloat: Codec<number> = scalar(isFloat, 'a finite number', (v) => new WideNumber(v, 'float'));

/** Text. Lone surrogates, which UTF-8 cannot hold, become U+FFFD on encode. */
export const tString: Codec<string> = scalar(
  (v): v is string => typeof v === 'string',
  'a string',
  (v) => wellFormed(v),
);

// String.prototype.toWellFormed is in Node 20 but not in the es2023 library types.
function wellFormed(text: string): string {
  return (text as string & { toWellFormed(): string }).toWellFormed();
}

type PackedArray = Uint8Array | Int32Array | Uint32Array | Float32Array;
interface PackedConstructor<A extends PackedArray> {
  readonly name: string;
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer): A;
}

/**
 * A typed array as little-endian bytes. Encode gives a Buffer over exactly the array's range, no copy (msgpackr
 * writes other bytes than the array's when given an Int32Array or Float32Array itself). Decode copies, since a
 * payload's offset in its frame need not be aligned and would keep the whole frame alive.
 */
function packed<A extends PackedArray>(ctor: PackedConstructor<A>): Codec<A> {
  const size = ctor.BYTES_PER_ELEMENT;
  return {
    encode(value, path) {
      // By tag, not instanceof: another realm's Int32Array (Jest's) is as good.
      if (!ArrayBuffer.isView(value) || !isTagged(value, ctor.name)) refuse(path, value, `an ${ctor.name}`);
      return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    },
    decode(wire, path) {
      const bytes = viewOf(wire, path);
      if (bytes.length % size !== 0) {
        throw new ProtocolError(path, `saw ${bytes.length} bytes, expected a multiple of ${size} (${ctor.name})`);
      }
      const copy = new ArrayBuffer(bytes.length);
      new Uint8Array(copy).set(bytes);
      return new ctor(copy);
    },
  };
}

function viewOf(wire: unknown, path: string): Uint8Array {
  if (!ArrayBuffer.isView(wire) || !isTagged(wire, 'Uint8Array')) refuse(path, wire, 'bytes');
  return new Uint8Array(wire.buffer, wire.byteOffset, wire.byteLength);
}

function isTagged(value: ArrayBufferView, name: string): boolean {
  return (value as unknown as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === name;
}

/** Opaque bytes; decode gives a view of the frame, no copy. */
export const tBytes: Codec<Uint8Array> = {
  encode: (value, path) => tU8s.encode(value, path),
  decode: (wire, path) => viewOf(wire, path),
};
/** Packed unsigned bytes. */
export const tU8s: Codec<Uint8Array> = packed<Uint8Array>(Uint8Array);
/** Packed little-endian 32-bit integers. */
export const tI32s: Codec<Int32Array> = packed<Int32Array>(Int32Array);
/** Packed little-endian unsigned 32-bit integers. */
export const tU32s: Codec<Uint32Array> = packed<Uint32Array>(Uint32Array);
/** Packed little-endian 32-bit floats; NaN and infinities pass. */
export const tF32s: Codec<Float32Array> = packed<Float32Array>(Float32Array);

/** One of a fixed set of strings. */
export function tEnum<T extends string>(name: string, values: readonly T[]): Codec<T> {
  const allowed = new Set<unknown>(values);
  return scalar((v): v is T => allowed.has(v), `a ${name}: ${values.join(', ')}`);
}

/** Items of one type, in order. */
export function tList<T>(item: Codec<T>): Codec<readonly T[]> {
  return {
    encode: (value, path) => checkList(value, path).map((v, i) => item.encode(v as T, `${path}[${i}]`)),
    decode: (wire, path) => checkList(wire, path).map((v, i) => item.decode(v, `${path}[${i}]`)),
  };
}

function checkList(value: unknown, path: string): readonly unknown[] {
  return Array.isArray(value) ? Array.from(value) : refuse(path, value, 'a list');
}

/** Values of one type under string keys. */
export function tMap<T>(item: Codec<T>): Codec<Readonly<Record<string, T>>> {
  const convert = (value: unknown, path: string, one: (v: unknown, at: string) => unknown): Record<string, unknown> => {
    const result: Record<string, unknown> = {};
    for (const [key, v] of Object.entries(checkMap(value, path))) {
      // On a plain object this key sets the prototype, and msgpackr renames it: it cannot make the round trip.
      if (key === '__proto__') throw new ProtocolError(path, 'the key "__proto__" is not allowed');
      result[wellFormed(key)] = one(v, `${path}[${describe(key)}]`);
    }
    return result;
  };
  return {
    encode: (value, path) => convert(value, path, (v, at) => item.encode(v as T, at)),
    decode: (wire, path) => convert(wire, path, (v, at) => item.decode(v, at)) as Record<string, T>,
  };
}

function checkMap(value: unknown, path: string): object {
  // By tag: a Map or a Date has no entries of its own and would pass for an empty map.
  if (Object.prototype.toString.call(value) === '[object Object]') return value as object;
  return refuse(path, value, 'a map');
}

/** Marks a field that may be absent (left out of the map). */
export function tOptional<T>(codec: Codec<T>): OptionalCodec<T> {
  return { ...codec, optional: true };
}

/** A codec for each field of T, in the order they are written. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? OptionalCodec<Exclude<T[K], undefined>>
    : Codec<T[K]>;
};

/** A map with exactly the given fields, written in their order. */
export function tStruct<T extends object>(name: string, fields: Fields<T>): Codec<T> {
  return struct(name, fields as unknown as Record<string, Codec<unknown>>, undefined) as Codec<T>;
}

/** A struct that starts with its own name in `kind`. */
export function tEnvelope<T extends { kind: string }>(name: T['kind'], fields: Fields<Omit<T, 'kind'>>): Codec<T> {
  return struct(name, fields as unknown as Record<string, Codec<unknown>>, name) as unknown as Codec<T>;
}

function struct(name: string, fields: Record<string, Codec<unknown>>, kind: string | undefined): Codec<object> {
  const codecs = Object.entries(fields);
  const names = new Set([...(kind === undefined ? [] : ['kind']), ...Object.keys(fields)]);

  const convert = (value: unknown, path: string, direction: 'encode' | 'decode'): object => {
    const seen = checkMap(value, path || name) as Record<string, unknown>;
    const at = path || name;
    const result: Record<string, unknown> = {};
    if (kind !== undefined) {
      if (seen.kind !== kind) refuse(`${at}.kind`, seen.kind, JSON.stringify(kind));
      result.kind = kind;
    }
    for (const key of Object.keys(seen)) {
      if (names.has(key)) continue;
      throw new ProtocolError(`${at}.${key}`, `unknown field (${name} has: ${[...names].join(', ') || 'no fields'})`);
    }
    for (const [key, codec] of codecs) {
      const field = Object.hasOwn(seen, key) ? seen[key] : undefined;
      if (field === undefined || (field === null && 'optional' in codec)) {
        if ('optional' in codec) continue;
        throw new ProtocolError(`${at}.${key}`, `missing field of ${name}`);
      }
      result[key] = codec[direction](field, `${at}.${key}`);
    }
    return result;
  };
  return {
    encode: (value, path) => convert(value, path, 'encode'),
    decode: (wire, path) => convert(wire, path, 'decode'),
  };
}
