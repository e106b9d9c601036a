import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeObject, encodeObject, nameOf } from '../../../ts/store/objectFormat.ts';

const through = (value: object) => decodeObject(Buffer.concat(encodeObject(value)));

/** Typed arrays with any bits at all, at any offset of their memory. */
const arrays = fc
  .tuple(
    fc.constantFrom(Uint8Array, Int32Array, Uint32Array, Float32Array, Float64Array),
    fc.uint8Array({ maxLength: 64 }),
    fc.nat(2),
  )
  .map(([Kind, bytes, skip]) => {
    const size = Kind.BYTES_PER_ELEMENT;
    const memory = new Uint8Array((skip + Math.floor(bytes.length / size)) * size);
    memory.set(bytes.subarray(0, memory.length - skip * size), skip * size);
    return new Kind(memory.buffer, skip * size);
  });

const keys = fc.oneof(
  fc.constantFrom('$', '$$', '$f32', 'length', '__proto__', '7', ''),
  fc.string({ unit: 'binary' }),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(keys, tie('json'), { maxKeys: 4 }),
  ),
}));
const storable = fc.dictionary(keys, fc.oneof(json, arrays), { maxKeys: 6 });

describe('an object of the store', () => {
  test('comes back as it was, to the last bit', () => {
    fc.assert(
      fc.property(storable, (value) => {
        const back = through(value) as Record<string, unknown>;
        expect(Object.keys(back)).toEqual(Object.keys(value));
        for (const [key, field] of Object.entries(value)) {
          if (!ArrayBuffer.isView(field)) expect(back[key]).toEqual(field);
          else {
            expect((back[key] as Uint8Array).constructor.name).toBe(field.constructor.name);
            expect(bitsOf(back[key])).toEqual(bitsOf(field));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('has the name of its content alone', () => {
    fc.assert(
      fc.property(storable, (value) => {
        expect(nameOf(encodeObject(through(value)))).toBe(nameOf(encodeObject(value)));
        expect(nameOf(encodeObject(value))).toBe(nameOf([Buffer.concat(encodeObject(value))]));
      }),
    );
  });

  test('what JSON does not have is there: no number is another, and what looks like a marker is what it was', () => {
    const value = { a: [-0, Number.NaN, Number.POSITIVE_INFINITY], b: { $: 'f32', length: 1 }, c: { $$: { $: '-0' } } };
    const back = through(value) as typeof value;
    expect(back).toEqual(value);
    expect(Object.is(back.a[0], -0)).toBe(true);
  });

  test('NaNs keep their bits', () => {
    const bits = Uint32Array.of(0x7fc00001, 0xffc12345, 0x7f800000, 0x80000000);
    const { floats } = through({ floats: new Float32Array(bits.buffer) }) as { floats: Float32Array };
    expect([...new Uint32Array(floats.buffer)]).toEqual([...bits]);
  });

  test('fields that are undefined are not there, a Buffer is its bytes, and half a surrogate pair is kept', () => {
    const value = { gone: undefined, bytes: Buffer.from([1, 2]), text: '\ud800x' };
    expect(through(value)).toEqual({ bytes: Uint8Array.of(1, 2), text: '\ud800x' });
    expect(nameOf(encodeObject({ gone: undefined }))).toBe(nameOf(encodeObject({})));
  });

  test('arrays are not copied to be hashed', () => {
    const tokens = new Int32Array(1000);
    expect(encodeObject({ tokens })[1]?.buffer).toBe(tokens.buffer);
  });

  test.each([
    [{ a: new BigInt64Array(1) }, 'a is a BigInt64Array; an object of the store holds Uint8Array, Int32Array'],
    [{ b: new DataView(new ArrayBuffer(1)) }, 'b is a DataView'],
  ])('what has no such form is refused', (value, message) => {
    expect(() => encodeObject(value)).toThrow(message);
  });

  test('too few bytes, or too many, are no object', () => {
    const bytes = Buffer.concat(encodeObject({ a: Int32Array.of(1, 2) }));
    expect(() => decodeObject(bytes.subarray(0, -1))).toThrow('ends before its arrays do');
    expect(() => decodeObject(Buffer.concat([bytes, bytes]))).toThrow('goes on behind its arrays');
  });
});

function bitsOf(array: unknown): number[] {
  const { buffer, byteOffset, byteLength } = array as Uint8Array;
  return [...new Uint8Array(buffer, byteOffset, byteLength)];
}
