import { Packr } from 'msgpackr';

const packr = new Packr({ useRecords: false });

/** A value with each typed array in it as a list of numbers. */
export function listed(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, listed(one)]));
}

/** Lists as msgpack, each number with a type of its own. */
export function packLists(value: unknown): Uint8Array {
  return packr.pack(value);
}

export function unpackLists(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}
