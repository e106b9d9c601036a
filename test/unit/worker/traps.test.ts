import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { Packr } from 'msgpackr';
import { type SampleBatch, tHello, tMessage, tSampleBatch, tTrainBatch } from '../../../ts/protocol/generated.ts';
import { type Codec, ProtocolError, tFloat, tInt, tMap, tStruct } from '../../../ts/protocol/primitives.ts';
import { pack, unpack, unpackEnvelope, unpackParams } from '../../../ts/worker/codec.ts';
import { hello } from '../../fixtures/handPeer.ts';
import { python } from '../../fixtures/python.ts';

// What the msgpack libraries at the pinned versions do that a protocol must not, and that ours does not. A test
// that fails here after an update tells that a library has changed, for better or worse.

/** msgpackr as its documentation says other languages can read it. */
const bare = new Packr({ useRecords: false });

/** Numbers without a range. */
interface Numbers {
  whole: number;
  real: number;
}
const tNumbers = tStruct<Numbers>('Numbers', { whole: tInt, real: tFloat });
/** Whatever is on the wire. */
const tAnything: Codec<unknown> = { encode: (value) => value, decode: (wire) => wire };

const hexOf = (data: Uint8Array): string => Buffer.from(data).toString('hex');
const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

/** What Python's msgspec reads: a repr, or the name of the error. */
function readByPython(...messages: Uint8Array[]): string[] {
  const code = `
import json, sys, msgspec
def read(hex):
    try:
        return repr(msgspec.msgpack.decode(bytes.fromhex(hex)))
    except Exception as error:
        return type(error).__name__
print(json.dumps([read(hex) for hex in sys.argv[1:]]))`;
  return JSON.parse(execFileSync(python(), ['-c', code, ...messages.map(hexOf)], { encoding: 'utf8' }));
}

describe('what is written', () => {
  test('typed arrays: msgpackr writes other bytes than theirs; ours are exact, also of views, time after time', () => {
    for (const array of [Float32Array.of(1, 2), Int32Array.of(258, 2)]) {
      expect(hexOf(bare.pack(array))).not.toContain(hexOf(new Uint8Array(array.buffer)));
    }
    const pool = Int32Array.from({ length: 1000 }, (_, i) => i * 7919 - 3_000_000);
    const batch: SampleBatch = {
      weightsVersion: 1,
      promptTokens: pool.subarray(3, 400),
      promptLengths: Int32Array.of(397),
      tokens: pool.subarray(401),
      lengths: Int32Array.of(599),
      logprobs: Float32Array.from({ length: 599 }, (_, i) => -i / 3),
      texts: [''],
      stopReasons: ['stop'],
    };
    const first = pack(tSampleBatch, batch);
    for (let i = 0; i < 20; i += 1) {
      const packed = pack(tSampleBatch, batch);
      expect(packed.equals(first)).toBe(true);
      expect(unpack(tSampleBatch, packed)).toEqual({ ...batch });
    }
  });

  test('integers of 33 to 53 bits: msgpackr writes floats, which Python tells from integers; ours stay integers', () => {
    const wholes = [2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, -(2 ** 31) - 1, Number.MIN_SAFE_INTEGER];
    for (const whole of wholes) {
      expect(bare.pack(whole)[0]).toBe(0xcb); // float64
      const packed = pack(tNumbers, { whole, real: 0.5 });
      expect(hexOf(packed)).toMatch(whole > 0 ? /77686f6c65cf/ : /77686f6c65d3/); // "whole", then uint64 or int64
      expect(unpack(tNumbers, packed)).toEqual({ whole, real: 0.5 });
    }
    expect(readByPython(bare.pack(2 ** 32), pack(tInt, 2 ** 32))).toEqual(['4294967296.0', '4294967296']);
  });

  test('whole floats and -0: msgpackr writes integers; ours stay floats and keep the sign', () => {
    expect([1, -0].map((real) => hexOf(bare.pack(real)))).toEqual(['01', '00']);
    expect(hexOf(pack(tNumbers, { whole: 1, real: 1 }))).toContain('cb3ff0000000000000'); // float64 1.0
    expect(Object.is(unpack(tNumbers, pack(tNumbers, { whole: 1, real: -0 })).real, -0)).toBe(true);
    expect(readByPython(pack(tFloat, 1), pack(tFloat, -0), pack(tInt, -0))).toEqual(['1.0', '-0.0', '0']);
  });

  test('lone surrogates: msgpackr writes what is not UTF-8; ours become U+FFFD, and pairs stay', () => {
    const lone = bare.pack('a\ud83d');
    expect(readByPython(lone, pack(tMap(tInt), { 'a\ud83d': 1 }))).toEqual(['UnicodeDecodeError', "{'a\ufffd': 1}"]);
    expect(() => unpack(tAnything, lone)).toThrow('text that is not UTF-8');
    const packed = pack(tMessage, { role: 'user', content: 'a\ud83d \ude00b \ud83d\ude00' });
    expect(unpack(tMessage, packed).content).toBe('a\ufffd \ufffdb \ud83d\ude00');
  });

  test('undefined: msgpackr writes an extension; ours leaves an optional field out, and refuses it elsewhere', () => {
    expect(hexOf(bare.pack(undefined))).toBe('d40000');
    expect(readByPython(bare.pack(undefined))[0]).toMatch(/Ext/);
    const batch = {
      tokens: new Int32Array(0),
      lengths: new Int32Array(0),
      mask: new Uint8Array(0),
      advantages: new Float32Array(0),
    };
    const given = pack(tTrainBatch, { ...batch, oldLogprobs: undefined } as never);
    expect(given.equals(pack(tTrainBatch, batch))).toBe(true);
    expect(() => pack(tMessage, { role: 'user', content: undefined } as never)).toThrow('Message.content');
    expect(hexOf(pack(tAnything, undefined))).toBe('c0');
  });

  test('records: msgpackr alone reads what it writes unless told otherwise; ours are maps', () => {
    const record = new Packr().pack({ a: 1 });
    expect(hexOf(record)).toMatch(/^d472/);
    expect(readByPython(record, pack(tMap(tInt), { a: 1 }))).toEqual(['DecodeError', "{'a': 1}"]);
  });

  test('maps: msgpackr writes large headers and no more than 65,535 keys; ours are as small and as large as need be', () => {
    const many = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));
    expect(hexOf(bare.pack({ a: 1 }))).toBe('de0001a16101');
    expect(() => bare.pack(many)).toThrow('too large');
    expect(hexOf(pack(tMap(tInt), { a: 1 }))).toBe('81a16101');
    expect(Object.keys(unpack(tMap(tInt), pack(tMap(tInt), many)))).toHaveLength(70_000);
  });

  test('texts of 100,000 characters, ASCII and not, make the round trip', () => {
    for (const content of ['x'.repeat(100_000), 'ä√🧮'.repeat(25_000)]) {
      expect(unpack(tMessage, pack(tMessage, { role: 'user', content })).content).toBe(content);
    }
  });
});

describe('what is read', () => {
  test('64-bit integers: msgpackr gives bigints, or rounds; ours are numbers, or refused where they are not exact', () => {
    expect([bare.unpack(bytes('cf0000000000000001')), bare.unpack(bytes('d3ffffffffffffffff'))]).toEqual([1n, -1n]);
    const rounding = new Packr({ useRecords: false, int64AsType: 'number' });
    expect(rounding.unpack(bytes('cf0020000000000001'))).toBe(2 ** 53);
    expect(unpackParams('cancel', bytes('81a26964cf0000000000000001'))).toEqual({ id: 1 });
    expect(unpack(tInt, bytes('d3ffffffffffffffff'))).toBe(-1);
    expect(() => unpack(tInt, bytes('cf0020000000000001'))).toThrow('saw 9007199254740993');
  });

  test('the integers that Python packs', () => {
    const wholes = [2 ** 32, 2 ** 53 - 1, -(2 ** 31) - 1, 1 - 2 ** 53, 300];
    const code = 'import msgspec, sys; print(msgspec.msgpack.encode([int(x) for x in sys.argv[1:]]).hex())';
    const packed = execFileSync(python(), ['-c', code, ...wholes.map(String)], { encoding: 'utf8' }).trim();
    expect(packed).toMatch(/^95cf.*cf.*d3.*d3.*cd012c$/);
    expect(bare.unpack(bytes(packed))).toEqual([...wholes.slice(0, 4).map(BigInt), 300]);
    expect(unpack(tAnything, bytes(packed))).toEqual(wholes);
  });

  test.each([
    ['a record', 'd4724091a16101', { a: 1 }],
    ['a regular expression', 'd4780092a2612ba167', /a+/g],
    ['an error', 'd4650093aa52616e67654572726f72a178c0', expect.objectContaining({ message: 'x' })],
    ['a set', 'd473009101', new Set([1])],
    ['a time', 'd6ff00000000', new Date(0)],
    ['the byte 0xc1', 'c1', expect.objectContaining({ name: 'MessagePack 0xC1' })],
    ['a key that is a number', '8101a161', { 1: 'a' }],
    ['a key twice', '82a16101a16102', { a: 2 }],
    ['__proto__', '81a95f5f70726f746f5f5f01', { __proto_: 1 }],
    ['text that is not UTF-8', 'a1ff', '\ufffd'],
  ])('%s: msgpackr makes something of it, ours refuses it', (_, hex, made) => {
    expect(bare.unpack(bytes(hex))).toEqual(made);
    expect(() => unpack(tAnything, bytes(hex))).toThrow(ProtocolError);
  });

  test.each([
    ['a reference to nothing', 'd67000000001', TypeError],
    ['5,000 lists in each other', `${'91'.repeat(5_000)}c0`, RangeError],
    ['a second value behind the first', 'c0c0', Error],
    ['a value that is cut off', '92c0', Error],
  ])('%s: msgpackr fails somehow, ours with a ProtocolError', (_, hex, kind) => {
    let thrown: unknown;
    try {
      bare.unpack(bytes(hex));
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).name).toBe(kind.name);
    expect(() => unpack(tAnything, bytes(hex))).toThrow(ProtocolError);
  });

  test.each(['dd01ffffff', 'df01ffffff'])('a header of 33 million values, %s, costs neither of them memory', (hex) => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 20; i++) {
      expect(() => bare.unpack(bytes(hex))).toThrow('Unexpected end');
      expect(() => unpack(tAnything, bytes(hex))).toThrow(ProtocolError);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 2 ** 20);
  });

  test('keys of Object.prototype are keys like others, and pollute nothing', () => {
    const given = JSON.parse('{"constructor":"a","toString":"b"}') as Record<string, string>;
    expect(Object.entries(unpack(tHello, pack(tHello, hello({ versions: given }))).versions)).toEqual(
      Object.entries(given),
    );
    expect(Object.entries({})).toEqual([]);
    // And a message must have fields of its own.
    expect(() => unpackEnvelope(bytes('81a46b696e64ab636f6e7374727563746f72'))).toThrow('saw "constructor"');
  });
});
