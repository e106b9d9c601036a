import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { curveKeyPair } from 'zeromq';
import { decodeZ85, encodeZ85 } from '../../../ts/worker/z85.ts';

test('the example of RFC 32', () => {
  const bytes = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);
  expect(encodeZ85(bytes)).toBe('HelloWorld');
  expect(decodeZ85('HelloWorld')).toEqual(bytes);
});

test('property: decoding undoes encoding', () => {
  const wholeWords = fc.uint8Array({ maxLength: 64 }).map((bytes) => bytes.slice(0, bytes.length & ~3));
  fc.assert(fc.property(wholeWords, (bytes) => expect(decodeZ85(encodeZ85(bytes))).toEqual(bytes)));
});

test('a key of ZeroMQ survives the way there and back', () => {
  const { publicKey } = curveKeyPair();
  expect(encodeZ85(decodeZ85(publicKey) as Uint8Array)).toBe(publicKey);
});

test.each([
  ['abcd', 'a length that is no multiple of 5'],
  ['abc d', 'a space'],
  ['abc"d', 'a quote'],
  ['abcd\u00e9', 'a letter of no alphabet of ours'],
  ['#####', 'a group above 2^32 - 1'],
  ['%nSc1', 'a group of exactly 2^32'],
])('%j is none: %s', (text) => {
  expect(decodeZ85(text)).toBeUndefined();
});

test('the largest group', () => {
  expect(decodeZ85('%nSc0')).toEqual(Uint8Array.of(255, 255, 255, 255));
});

test('bytes that make no whole group cannot be encoded', () => {
  expect(() => encodeZ85(new Uint8Array(5))).toThrow('saw 5 bytes, allowed are multiples of 4');
});
