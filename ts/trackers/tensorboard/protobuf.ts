/** The wire types of protobuf that TensorBoard's messages need. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** An integer as a varint: seven bits a byte, the lowest first; a negative one as its 64-bit two's complement. */
export function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** A field of type int32, int64, bool or an enum. */
export function int(field: number, value: number): Buffer {
  return Buffer.concat([key(field, VARINT), varint(value)]);
}

export function double(field: number, value: number): Buffer {
  return Buffer.concat([key(field, FIXED64), doubles([value])]);
}

export function float(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, FIXED32), bytes]);
}

/** A field of type string or bytes. */
export function bytes(field: number, value: string | Uint8Array): Buffer {
  const content = Buffer.from(value as Uint8Array);
  return Buffer.concat([key(field, BYTES), varint(content.length), content]);
}

/** A field that is a message, made of its own fields. */
export function message(field: number, ...fields: Buffer[]): Buffer {
  return bytes(field, Buffer.concat(fields));
}

/** A repeated field of type double, packed. */
export function packedDoubles(field: number, values: readonly number[]): Buffer {
  return bytes(field, doubles(values));
}

function doubles(values: readonly number[]): Buffer {
  const content = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) content.writeDoubleLE(value, 8 * index);
  return content;
}

function key(field: number, type: number): Buffer {
  return varint((field << 3) | type);
}
