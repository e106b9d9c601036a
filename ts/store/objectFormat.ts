import { createHash } from 'node:crypto';
import type { Storable } from '../ports/journal.ts';

/** Typed arrays that an object may hold, by the name that stands for them. */
const KINDS = {
  u8: Uint8Array,
  i32: Int32Array,
  u32: Uint32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;
type Kind = keyof typeof KINDS;

/** Numbers that JSON does not have. */
const NUMBERS = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
  ['-0', -0],
]);

/**
 * An object of the store as bytes: a line of JSON, and behind it the raw bytes (little-endian) of its typed arrays, in
 * order. What JSON does not have stands in the line under the key `$`: `{"$":"f32","length":3}`, `{"$":"-0"}`; keys of
 * the object itself that begin with `$` get one more.
 *
 * @returns parts, to be written one after another; those of arrays are their own memory
 * @throws TypeError for a value that has no such form
 */
export function encodeObject(value: Storable): Uint8Array[] {
  const arrays: Uint8Array[] = [];
  const json = JSON.stringify(value, function (this: Record<string, unknown>, key: string, field: unknown) {
    // Not `field`: there a Buffer has already become something else.
    const raw = this[key];
    if (ArrayBuffer.isView(raw)) {
      arrays.push(new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength));
      return { $: kindOf(raw, key), length: (raw as Uint8Array).length };
    }
    if (typeof field === 'number') return isJson(field) ? field : { $: Object.is(field, -0) ? '-0' : String(field) };
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
    return withKeys(field, (name) => (name.startsWith('$') ? `$${name}` : name));
  });
  return [Buffer.from(`${json}\n`), ...arrays];
}

/** The object that was {@link encodeObject encoded} so. @throws Error for bytes that are in no such form */
export function decodeObject<T extends Storable>(bytes: Buffer): T {
  const end = bytes.indexOf('\n');
  let at = end + 1;
  const value = JSON.parse(bytes.toString('utf8', 0, end), (_, field: unknown) => {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
    const { $: name, length } = field as { $?: string; length?: number };
    if (name === undefined) return withKeys(field, (key) => (key.startsWith('$') ? key.slice(1) : key));
    if (length === undefined) return NUMBERS.get(name);
    const array = new KINDS[name as Kind](length);
    const memory = new Uint8Array(array.buffer);
    if (bytes.copy(memory, 0, at) !== memory.length) throw new RangeError('an object ends before its arrays do');
    at += memory.length;
    return array;
  }) as T;
  if (at !== bytes.length) throw new RangeError('an object goes on behind its arrays');
  return value;
}

/** The SHA-256 (hex) of some bytes in parts: an object's name. */
export function nameOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function kindOf(array: ArrayBufferView, key: string): Kind {
  const type = (array as Uint8Array)[Symbol.toStringTag] ?? 'DataView';
  const kind = Object.entries(KINDS).find(([, { name }]) => name === type)?.[0];
  if (kind !== undefined) return kind as Kind;
  const allowed = Object.values(KINDS).map(({ name }) => name);
  throw new TypeError(`${key} is a ${type}; an object of the store holds ${allowed.join(', ')}`);
}

function isJson(number: number): boolean {
  return Number.isFinite(number) && !Object.is(number, -0);
}

/** An object with other keys; itself where they are the same. */
function withKeys(value: object, keyOf: (name: string) => string): object {
  const names = Object.keys(value);
  if (names.every((name) => keyOf(name) === name)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [keyOf(name), field]));
}
