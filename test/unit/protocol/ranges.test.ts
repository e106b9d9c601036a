import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as generated from '../../../ts/protocol/generated.ts';
import type { Codec } from '../../../ts/protocol/primitives.ts';
import { ProtocolError, tF32s, tFloat, tI32s, tInt, tList, tMap, tString } from '../../../ts/protocol/primitives.ts';
import { type Range, tRanged, tRangedItems } from '../../../ts/protocol/ranges.ts';
import { pack, unpack } from '../../../ts/worker/codec.ts';

describe('the words', () => {
  const saying = (range: Range, value: number): string => {
    try {
      tRanged(tFloat, range).decode(value, 'x');
    } catch (error) {
      return (error as Error).message;
    }
    return 'allowed';
  };
  test.each<[Range, number, string]>([
    [{ ge: 1 }, 0, 'x: saw 0, allowed is 1 or more'],
    [{ gt: 0 }, 0, 'x: saw 0, allowed is above 0'],
    [{ le: 2 }, 2.5, 'x: saw 2.5, allowed is at most 2'],
    [{ lt: 2 }, 2, 'x: saw 2, allowed is below 2'],
    [{ ge: 0, le: 1 }, -1, 'x: saw -1, allowed is 0 to 1'],
    [{ ge: 3, le: 3 }, 4, 'x: saw 4, allowed is 3'],
    [{ gt: 0, le: 1 }, 0, 'x: saw 0, allowed is above 0 and at most 1'],
    [{ ge: 0, lt: 1 }, 1, 'x: saw 1, allowed is 0 or more and below 1'],
    [{ gt: 0, lt: 1 }, 1, 'x: saw 1, allowed is above 0 and below 1'],
    [{ ge: 0, le: 1 }, 1, 'allowed'],
    [{ gt: 0, lt: 1 }, 0.5, 'allowed'],
  ])('%j, %d', (range, value, message) => {
    expect(saying(range, value)).toBe(message);
  });
});

describe('what is measured', () => {
  const within = { ge: 2, le: 3 };
  test.each<[string, Codec<unknown>, unknown, unknown, string]>([
    ['UTF-8 bytes', tRanged(tString, within), 'é', 'éé', 'x: saw 4 bytes, allowed is 2 to 3 bytes'],
    ['items of a list', tRanged(tList(tInt), within), [1, 2], [1], 'x: saw 1 items, allowed is 2 to 3 items'],
    ['keys of a map', tRanged(tMap(tInt), within), { a: 1, b: 2 }, {}, 'x: saw 0 items, allowed is 2 to 3 items'],
    ['items of a packed array', tRanged(tI32s, within), Int32Array.of(1, 2), Int32Array.of(), 'x: saw 0 items'],
    [
      'each item of a packed array',
      tRangedItems(tI32s, within) as Codec<unknown>,
      Int32Array.of(2, 3),
      Int32Array.of(2, 4),
      'x[1]: saw 4, allowed is 2 to 3',
    ],
  ] as [string, Codec<unknown>, unknown, unknown, string][])('%s', (_, codec, good, bad, message) => {
    const wire = codec.encode(good, 'x');
    expect(codec.decode(wire, 'x')).toEqual(good);
    expect(() => codec.encode(bad, 'x')).toThrow(message);
  });
  test('the type is checked before the range, and a list is counted before its items are built', () => {
    expect(() => tRanged(tInt, { ge: 0 }).encode('x' as never, 'x')).toThrow('expected an integer');
    expect(() => tRanged(tList(tInt), { le: 1 }).decode(['a', 'b'], 'x')).toThrow('saw 2 items');
  });
});

describe('packed arrays', () => {
  const bound = fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined });
  const range = fc
    .record({ gt: bound, ge: bound, lt: bound, le: bound })
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Range);
  const item = fc.oneof(fc.integer({ min: -4, max: 4 }), fc.float(), fc.constantFrom(Number.NaN, Infinity, -Infinity));
  const isWithin = (value: number, { gt, ge, lt, le }: Range): boolean =>
    Number.isFinite(value) &&
    !(value <= (gt ?? Number.NaN)) &&
    !(value < (ge ?? -Infinity)) &&
    !(value >= (lt ?? Number.NaN)) &&
    !(value > (le ?? Infinity));

  test('pass when every item is within, else the first one that is not is named', () => {
    fc.assert(
      fc.property(fc.array(item), fc.oneof(fc.constant({}), range), (numbers, allowed) => {
        const items = Float32Array.from(numbers);
        const first = items.findIndex((value) => !isWithin(value, allowed));
        const codec = tRangedItems(tF32s, allowed);
        const encode = () => codec.encode(items, 'x');
        const decode = () => codec.decode(tF32s.encode(items, 'x'), 'x');
        if (first === -1) expect([encode(), decode()]).toEqual([tF32s.encode(items, 'x'), items]);
        else for (const refuse of [encode, decode]) expect(refuse).toThrow(`x[${first}]: saw ${items[first]}, `);
      }),
      { numRuns: 1000 },
    );
  });
  test('the largest floats are finite, however many there are', () => {
    const items = new Float32Array(10_000).fill(-3.4028234663852886e38);
    expect(() => tRangedItems(tF32s, {}).encode(items, 'x')).not.toThrow();
  });
});

/** A type of protocol.yml as the generator's reader gives it. */
interface Type {
  name?: string;
  kind?: 'primitive' | 'enum' | 'struct';
  list?: Type;
  map?: Type;
  optional?: boolean;
  range?: Range;
  items?: Range;
}
interface Spec {
  enums: { name: string; values: { name: string }[] }[];
  structs: { name: string; envelope?: boolean; fields: { name: string; type: Type }[] }[];
}
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const { readSpec } = (await import(join(ROOT, 'proto/generator/spec.mjs'))) as { readSpec(text: string): Spec };
const spec = readSpec(readFileSync(join(ROOT, 'proto/protocol.yml'), 'utf8'));

/** The largest list that is drawn; most ranges allow far more. */
const SHORT = 4;
const NEXT = new Float64Array(1);
const BITS = new BigInt64Array(NEXT.buffer);
/** The next double above or below. */
function next(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  NEXT[0] = value;
  BITS[0] = (BITS[0] as bigint) + BigInt(value > 0 ? direction : -direction);
  return NEXT[0];
}
function bounds({ gt, ge, lt, le }: Range, whole: boolean): [low: number, high: number] {
  const inner = (bound: number | undefined, direction: 1 | -1): number | undefined =>
    bound === undefined ? undefined : whole ? bound + direction : next(bound, direction);
  return [ge ?? inner(gt, 1) ?? -Infinity, le ?? inner(lt, -1) ?? Infinity];
}
/** The same, kept within what is drawn. */
function drawn(range: Range | undefined, whole: boolean, least: number, most: number): { min: number; max: number } {
  const [low, high] = bounds(range ?? {}, whole);
  return { min: Math.max(low, least), max: Math.min(high, most) };
}

/** Values of a type within all its ranges. */
function inside(type: Type): fc.Arbitrary<unknown> {
  const { min, max } = drawn(type.range, true, 0, Number.MAX_SAFE_INTEGER);
  const size = { minLength: min, maxLength: Math.min(max, min + SHORT) };
  if (type.list) return fc.array(inside(type.list), size);
  if (type.map) return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), inside(type.map), { maxKeys: SHORT });
  switch (type.name) {
    case 'bool':
      return fc.boolean();
    case 'int':
      return fc.integer(drawn(type.range, true, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
    case 'float':
      return fc.double({
        ...drawn(type.range, false, -Number.MAX_VALUE, Number.MAX_VALUE),
        noNaN: true,
        noDefaultInfinity: true,
      });
    case 'string':
      return fc.string({ unit: 'grapheme-ascii', ...size });
    case 'bytes':
      return fc.uint8Array();
    case 'u8s':
      return fc.uint8Array({ ...drawn(type.items, true, 0, 255), ...size });
    case 'i32s':
      return fc.int32Array({ ...drawn(type.items, true, -(2 ** 31), 2 ** 31 - 1), ...size });
    case 'u32s':
      return fc.uint32Array({ ...drawn(type.items, true, 0, 2 ** 32 - 1), ...size });
    case 'f32s':
      return fc.float32Array({ noNaN: true, noDefaultInfinity: true, ...size });
  }
  const values = spec.enums.find(({ name }) => name === type.name)?.values;
  return values ? fc.constantFrom(...values.map(({ name }) => name)) : struct(type.name as string);
}

function struct(name: string): fc.Arbitrary<object> {
  const found = spec.structs.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no struct ${name}`);
  const model = Object.fromEntries(found.fields.map((field) => [field.name, inside(field.type)]));
  const requiredKeys = found.fields.filter(({ type }) => !type.optional).map((field) => field.name);
  const fields = fc.record(model, { requiredKeys, noNullPrototype: true });
  return found.envelope ? fields.map((value) => ({ kind: name, ...value })) : fields;
}

/** Values of a field just beyond each of its bounds. */
function beyond({ name, list, map, range, items }: Type): unknown[] {
  const number = name === 'int' || name === 'float';
  const [low, high] = bounds(range ?? {}, name !== 'float');
  const outer = name === 'float' ? [next(low, -1), next(high, 1)] : [low - 1, high + 1];
  const sizes = range ? outer.filter((x) => Number.isFinite(x) && (number || x >= 0)) : [];
  if (number) return sizes;
  if (name === 'string') return sizes.map((size) => 'x'.repeat(size));
  if (list) return sizes.map((size) => new Array(size).fill(fc.sample(inside(list), { numRuns: 1, seed: 1 })[0]));
  if (map) return sizes.map((size) => Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, 'x'])));
  if (items === undefined) return [];
  const [least, most] = bounds(items, true);
  if (name === 'f32s') return [Number.NaN, Infinity, -Infinity].map((bad) => Float32Array.of(0, bad));
  const domain = name === 'u8s' ? [0, 255] : [-(2 ** 31), 2 ** 31 - 1];
  return [least - 1, most + 1]
    .filter((x) => x >= (domain[0] as number) && x <= (domain[1] as number))
    .map((x) => (name === 'u8s' ? Uint8Array.of(x) : Int32Array.of(x)));
}

/** A value as the decoder of msgpack gives it: packed arrays are their bytes. */
function asRead(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(asRead);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asRead(item)]));
}

describe.each(spec.structs.map(({ name, fields }) => ({ name, fields })))('$name', ({ name, fields }) => {
  const codec = (generated as unknown as Record<string, Codec<object>>)[`t${name}`] as Codec<object>;

  test('passes both ways when every field is within its range', () => {
    const property = fc.property(struct(name), (value) => expect(unpack(codec, pack(codec, value))).toEqual(value));
    fc.assert(property, { numRuns: 20 });
  });
  const cases = fields.flatMap((field) =>
    beyond(field.type).map((value, index) => ({ field: field.name, index, value })),
  );
  if (cases.length > 0) {
    test.each(cases)('refuses $field beyond a bound, both ways ($index)', ({ field, value }) => {
      const [good] = fc.sample(struct(name), { numRuns: 1, seed: 1 });
      const refused = expect.objectContaining({
        path: expect.stringMatching(new RegExp(`^${name}\\.${field}(\\[|$)`)),
      });
      expect(() => codec.encode({ ...good, [field]: value }, '')).toThrow(refused);
      const read = { ...(asRead(good) as object), [field]: ArrayBuffer.isView(value) ? asRead(value) : value };
      const decode = (): unknown => codec.decode(read, '');
      expect(decode).toThrow(refused);
      expect(decode).toThrow(ProtocolError);
    });
  }
});
