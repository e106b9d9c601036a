import { pack } from '../worker/codec.ts';

/** Bytes of a map, to send as params what the typed methods would refuse. */
export function packMap(fields: object): Uint8Array {
  return pack({ encode: unchecked, decode: () => fields }, fields);
}

/** A value as msgpack holds it: packed arrays are their bytes, the rest is as it is. */
function unchecked(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(unchecked);
  // msgpackr writes whole numbers beyond 32 bits as floats.
  if (Number.isSafeInteger(value) && Math.abs(value as number) >= 2 ** 31) return BigInt(value as number);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unchecked(item)]));
}
