import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c, maskedCrc32c } from '../../../../ts/trackers/tensorboard/crc32c.ts';

/** The CRC by its definition: the remainder of a division of polynomials over GF(2), bit by bit. */
function byDivision(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (rest ^ (byte >>> bit)) & 1;
      rest = (rest >>> 1) ^ (out ? 0x82f63b78 : 0);
    }
  }
  return ~rest >>> 0;
}

test.each([
  ['', 0],
  ['123456789', 0xe3069283],
])('of %j', (text, crc) => {
  expect(crc32c(Buffer.from(text))).toBe(crc);
});

test('of 32 zeros and 32 ones, as RFC 3720 has them', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
});

test('is what the definition says, without a table', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => crc32c(bytes) === byDivision(bytes)));
});

test('a mask is taken off again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const rotated = (maskedCrc32c(bytes) - 0xa282ead8) >>> 0;
      expect(((rotated << 15) | (rotated >>> 17)) >>> 0).toBe(crc32c(bytes));
    }),
  );
});
