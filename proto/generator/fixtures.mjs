import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// A msgpack writer of its own, small and led by the types, so that the golden bytes do not come from a library that
// they are there to test. It writes the canonical form: fields in the order of protocol.yml, absent optionals left out,
// the shortest form of lengths and integers, every float as float64.

/** A fixture whose JSON does not fit its type. */
export class FixtureError extends Error {
  code = 'invalid_fixture';
  constructor(path, problem) {
    super(`proto/fixtures/${path}: ${problem}`);
  }
}

const PACKED = {
  u8s: ['$u8s', Uint8Array],
  i32s: ['$i32s', Int32Array],
  u32s: ['$u32s', Uint32Array],
  f32s: ['$f32s', Float32Array],
};

/** A head byte and a big-endian number of 1, 2, 4 or 8 bytes. */
function head(byte, size, value) {
  const out = Buffer.alloc(1 + size);
  out[0] = byte;
  if (size === 8) out.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), 1);
  else out.writeUIntBE(value, 1, size);
  return out;
}
/** Head of a value of some length: [largest in the first byte, that byte, 8-bit, 16-bit and 32-bit form]. */
function sized([most, fix, ...wider], length) {
  if (length <= most) return Buffer.from([fix | length]);
  const form = [0xff, 0xffff, 0xffffffff].findIndex((limit, i) => length <= limit && wider[i] !== undefined);
  return head(wider[form], 1 << form, length);
}
const TEXT = [31, 0xa0, 0xd9, 0xda, 0xdb];
const BIN = [-1, 0, 0xc4, 0xc5, 0xc6];
const LIST = [15, 0x90, undefined, 0xdc, 0xdd];
const MAP = [15, 0x80, undefined, 0xde, 0xdf];

function packInt(value) {
  if (value >= 0) {
    if (value <= 0x7f) return Buffer.from([value]);
    const form = [2 ** 8, 2 ** 16, 2 ** 32, Infinity].findIndex((limit) => value < limit);
    return head(0xcc + form, 1 << form, value);
  }
  if (value >= -32) return Buffer.from([value & 0xff]);
  const form = [2 ** 7, 2 ** 15, 2 ** 31, Infinity].findIndex((limit) => value >= -limit);
  return head(0xd0 + form, 1 << form, form === 3 ? value : value + 2 ** (8 << form));
}
function packFloat(value) {
  const out = Buffer.alloc(9);
  out[0] = 0xcb;
  out.writeDoubleBE(value, 1);
  return out;
}
function packText(value) {
  const bytes = Buffer.from(value, 'utf8');
  return Buffer.concat([sized(TEXT, bytes.length), bytes]);
}
function packBytes(bytes) {
  return Buffer.concat([sized(BIN, bytes.length), bytes]);
}

/** Pack a JSON value as a named type of the protocol; bytes are {"$bytes": hex}, packed arrays {"$i32s": [..]} ... */
export function packFixture(spec, typeName, value, path = typeName) {
  const enums = new Map(spec.enums.map((e) => [e.name, e.values.map((v) => v.name)]));
  const structs = new Map(spec.structs.map((s) => [s.name, s]));
  const fail = (at, seen, allowed) => {
    throw new FixtureError(path, `${at}: saw ${JSON.stringify(seen)}, expected ${allowed}`);
  };
  const isMap = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);

  const pack = (type, v, at) => {
    if (type.list) {
      if (!Array.isArray(v)) fail(at, v, 'a list');
      return Buffer.concat([sized(LIST, v.length), ...v.map((item, i) => pack(type.list, item, `${at}[${i}]`))]);
    }
    if (type.map) {
      if (!isMap(v)) fail(at, v, 'a map');
      const items = Object.entries(v).flatMap(([k, item]) => [packText(k), pack(type.map, item, `${at}.${k}`)]);
      return Buffer.concat([sized(MAP, items.length / 2), ...items]);
    }
    if (type.name in PACKED) {
      const [key, TypedArray] = PACKED[type.name];
      if (!isMap(v) || !Array.isArray(v[key])) fail(at, v, `{"${key}": [..]}`);
      return packBytes(new Uint8Array(TypedArray.from(v[key], Number).buffer));
    }
    switch (type.name) {
      case 'bool':
        return typeof v === 'boolean' ? Buffer.from([v ? 0xc3 : 0xc2]) : fail(at, v, 'true or false');
      case 'string':
        return typeof v === 'string' ? packText(v) : fail(at, v, 'a string');
      case 'int':
        return Number.isSafeInteger(v) ? packInt(v) : fail(at, v, 'an integer');
      case 'float':
        return Number.isFinite(v) ? packFloat(v) : fail(at, v, 'a number');
      case 'bytes':
        return isMap(v) && '$bytes' in v ? packBytes(Buffer.from(v.$bytes, 'hex')) : fail(at, v, '{"$bytes": hex}');
    }
    if (enums.has(type.name)) {
      return enums.get(type.name).includes(v) ? packText(v) : fail(at, v, `a ${type.name}`);
    }
    return packStruct(structs.get(type.name), v, at);
  };
  const packStruct = (struct, v, at) => {
    const known = [...(struct.envelope ? ['kind'] : []), ...struct.fields.map(({ name }) => name)];
    if (!isMap(v)) fail(at, v, 'a map');
    for (const key of Object.keys(v)) if (!known.includes(key)) fail(at, key, `one of ${known.join(', ')}`);
    const present = struct.fields.filter(({ name, type }) => !type.optional || name in v);
    const items = present.flatMap(({ name, type }) => [packText(name), pack(type, v[name], `${at}.${name}`)]);
    if (struct.envelope) {
      if (v.kind !== struct.name) fail(`${at}.kind`, v.kind, struct.name);
      items.unshift(packText('kind'), packText(v.kind));
    }
    return Buffer.concat([sized(MAP, items.length / 2), ...items]);
  };
  if (!structs.has(typeName)) throw new FixtureError(path, `${typeName} is not a type of the protocol`);
  return packStruct(structs.get(typeName), value, typeName);
}

/** Every fixture below a folder: { type, path of the .json, path of the .msgpack, golden bytes }. */
export function readFixtures(spec, folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: type }) =>
      readdirSync(join(folder, type))
        .filter((file) => file.endsWith('.json'))
        .map((file) => {
          const source = join(folder, type, file);
          const value = JSON.parse(readFileSync(source, 'utf8'));
          const bytes = packFixture(spec, type, value, `${type}/${file}`);
          return { type, source, target: source.replace(/\.json$/, '.msgpack'), bytes };
        }),
    );
}

/** Write the stale .msgpack files, or with `check` only name them. */
export function writeFixtures(spec, folder, { check = false } = {}) {
  const stale = readFixtures(spec, folder).filter(({ target, bytes }) => {
    try {
      return !readFileSync(target).equals(bytes);
    } catch {
      return true;
    }
  });
  if (!check) for (const { target, bytes } of stale) writeFileSync(target, bytes);
  return stale.map(({ target }) => target);
}
