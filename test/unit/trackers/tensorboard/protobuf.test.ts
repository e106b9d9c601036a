import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bytes, int, varint } from '../../../../ts/trackers/tensorboard/protobuf.ts';

function readVarint(from: Uint8Array): { value: bigint; length: number } {
  let value = 0n;
  for (const [index, byte] of from.entries()) {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return { value: BigInt.asIntN(64, value), length: index + 1 };
  }
  throw new Error('a varint without an end');
}

test('any 64-bit integer comes back from its varint, which is as short as can be', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const encoded = varint(value);
      expect(readVarint(encoded)).toEqual({ value, length: encoded.length });
      const bits = BigInt.asUintN(64, value).toString(2).length;
      expect(encoded.length).toBe(Math.ceil(bits / 7));
    }),
  );
});

test('fields have their number, their type and, where it varies, their length', () => {
  expect([...int(2, 300)]).toEqual([0x10, 0xac, 0x02]);
  expect([...bytes(1, 'ä')]).toEqual([0x0a, 2, 0xc3, 0xa4]);
  expect([...int(16, 1)]).toEqual([0x80, 0x01, 1]);
});
