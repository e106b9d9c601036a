import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type Envelope,
  type Hello,
  type SampleBatch,
  tHello,
  tMessage,
  tPingParams,
  tSampleBatch,
  tTrainBatch,
} from '../../../ts/protocol/generated.ts';
import { ProtocolError, tFloat, tInt, tMap, tStruct } from '../../../ts/protocol/primitives.ts';
import {
  pack,
  packEnvelope,
  packParams,
  packResult,
  unpack,
  unpackEnvelope,
  unpackParams,
  unpackResult,
} from '../../../ts/worker/codec.ts';

const hello: Hello = {
  kind: 'Hello',
  protocolHash: '',
  token: '',
  workerId: 'w',
  instanceId: 'i',
  backend: 'mock',
  capabilities: [],
  losses: [],
  versions: {},
  pid: 1,
};
/** Numbers without a range. */
interface Numbers {
  whole: number;
  real: number;
}
const tNumbers = tStruct<Numbers>('Numbers', { whole: tInt, real: tFloat });
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString('hex');

describe('what msgpackr alone gets wrong', () => {
  test('typed arrays arrive bit by bit, also from views, time after time', () => {
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
  test('integers of 33 to 53 bits stay integers', () => {
    for (const whole of [2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, -(2 ** 31) - 1, Number.MIN_SAFE_INTEGER]) {
      const packed = pack(tNumbers, { whole, real: 0.5 });
      expect(hexOf(packed)).toMatch(whole > 0 ? /77686f6c65cf/ : /77686f6c65d3/); // "whole", then uint64 or int64
      expect(unpack(tNumbers, packed)).toEqual({ whole, real: 0.5 });
    }
  });
  test('whole floats stay floats, minus zero keeps its sign', () => {
    expect(hexOf(pack(tNumbers, { whole: 1, real: 1 }))).toContain('cb3ff0000000000000'); // float64 1.0
    expect(Object.is(unpack(tNumbers, pack(tNumbers, { whole: 1, real: -0 })).real, -0)).toBe(true);
  });
  test('a 64-bit form of a small integer is read as a number', () => {
    expect(unpackParams('cancel', Buffer.from('81a26964cf0000000000000001', 'hex'))).toEqual({ id: 1 });
    expect(unpack(tMap(tInt), Buffer.from('81a26964d3ffffffffffffffff', 'hex'))).toEqual({ id: -1 });
  });
  test('lone surrogates become U+FFFD, pairs stay', () => {
    const packed = pack(tMessage, { role: 'user', content: 'a\ud83d \ude00b \ud83d\ude00' });
    expect(unpack(tMessage, packed).content).toBe('a\ufffd \ufffdb \ud83d\ude00');
    const odd = { ...hello, versions: { 'k\ud83d': 'v' } };
    expect(unpack(tHello, pack(tHello, odd)).versions).toEqual({ 'k\ufffd': 'v' });
  });
  test('an optional field set to undefined is left out', () => {
    const batch = {
      tokens: new Int32Array(0),
      lengths: new Int32Array(0),
      mask: new Uint8Array(0),
      advantages: new Float32Array(0),
    };
    expect(pack(tTrainBatch, { ...batch, oldLogprobs: undefined } as never).equals(pack(tTrainBatch, batch))).toBe(
      true,
    );
  });
  test('a map of more than 65,535 keys', () => {
    const many = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));
    expect(Object.keys(unpack(tMap(tInt), pack(tMap(tInt), many)))).toHaveLength(70_000);
  });
  test('texts of 100,000 characters, ASCII and not', () => {
    for (const content of ['x'.repeat(100_000), 'ä√🧮'.repeat(25_000)]) {
      expect(unpack(tMessage, pack(tMessage, { role: 'user', content })).content).toBe(content);
    }
  });
});

describe('envelopes', () => {
  test('carry packed params and results', () => {
    const request = packEnvelope({ kind: 'Request', id: 1, verb: 'cancel', params: packParams('cancel', { id: 7 }) });
    const back = unpackEnvelope(request);
    if (back.kind !== 'Request') throw new Error('not a request');
    expect(unpackParams('cancel', back.params)).toEqual({ id: 7 });
    const response = unpackEnvelope(
      packEnvelope({ kind: 'Response', id: 1, result: packResult('cancel', { found: true }) }),
    );
    if (response.kind !== 'Response') throw new Error('not a response');
    expect(unpackResult('cancel', response.result)).toEqual({ found: true });
  });
  test('of an unknown kind are refused both ways', () => {
    const nope = { kind: 'toString' } as unknown as Envelope;
    expect(() => packEnvelope(nope)).toThrow('envelope.kind: saw "toString", expected one of Hello, Welcome');
    expect(() => unpackEnvelope(Buffer.from('81a46b696e64a4486f6c61', 'hex'))).toThrow('envelope.kind: saw "Hola"');
    expect(() => unpackEnvelope(Buffer.from('80', 'hex'))).toThrow('envelope.kind: saw undefined');
    expect(() => unpackEnvelope(Buffer.from('93010203', 'hex'))).toThrow('envelope: saw a list of 3, expected a map');
    expect(() => unpackEnvelope(Buffer.from('c403010203', 'hex'))).toThrow('envelope: saw ');
  });
  test('params of another verb are refused', () => {
    expect(() => unpackParams('ping', packParams('cancel', { id: 7 }))).toThrow('PingParams.id: unknown field');
    expect(() => packParams('cancel', {} as never)).toThrow('CancelParams.id: missing field');
  });
  test('errors before the codec name what the bytes are', () => {
    expect(() => unpackParams('sample', Buffer.from('c1', 'hex'))).toThrow('sample params: malformed msgpack');
    expect(() => unpackResult('sample', Buffer.alloc(0))).toThrow('sample result: malformed msgpack');
    expect(() => unpack(tPingParams, Buffer.from('8000', 'hex'))).toThrow('message: malformed msgpack');
  });
});

describe('properties', () => {
  const fixtures = new URL('../../../proto/fixtures/', import.meta.url);
  const frames = ['Hello', 'Welcome', 'Refusal', 'Request', 'Response', 'Failure', 'Progress'].flatMap((kind) =>
    readdirSync(new URL(`${kind}/`, fixtures))
      .filter((file) => file.endsWith('.msgpack'))
      .map((file) => readFileSync(new URL(`${kind}/${file}`, fixtures))),
  );
  /** Decode; nothing but a ProtocolError may come out, and a value that does must make the round trip. */
  const survives = (frame: Uint8Array): void => {
    let envelope: Envelope;
    try {
      envelope = unpackEnvelope(frame);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === 'invalid_request') return;
      throw error;
    }
    expect(unpackEnvelope(packEnvelope(envelope))).toEqual(envelope);
  };

  test('random bytes give a ProtocolError or an envelope', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), { numRuns: 500 });
  });
  test('a frame with wrong bytes gives a ProtocolError or an envelope', () => {
    const wrong = fc.tuple(fc.constantFrom(...frames), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }));
    fc.assert(
      fc.property(wrong, ([frame, changes]) => {
        const spoiled = Buffer.from(frame);
        for (const [position, byte] of changes) spoiled[position % spoiled.length] = byte;
        survives(spoiled);
      }),
      { numRuns: 1000 },
    );
  });
  test('every proper prefix of a frame is refused', () => {
    for (const frame of frames) {
      for (let length = 0; length < frame.length; length += 1) {
        let refused = false;
        try {
          unpackEnvelope(frame.subarray(0, length));
        } catch (error) {
          refused = error instanceof ProtocolError;
        }
        if (!refused) throw new Error(`the first ${length} bytes of ${hexOf(frame)} passed`);
      }
    }
  });
  test('batches of any content make the round trip', () => {
    const i32s = fc.int32Array({ maxLength: 20 });
    const text = fc.string({ unit: 'binary' }).map((s) => (s as string & { toWellFormed(): string }).toWellFormed());
    const batch = fc.record({
      weightsVersion: fc.maxSafeNat(),
      promptTokens: i32s,
      promptLengths: i32s,
      tokens: i32s,
      lengths: i32s,
      logprobs: fc.float32Array({ maxLength: 20 }),
      texts: fc.array(text),
      stopReasons: fc.array(fc.constantFrom('stop' as const, 'length' as const)),
    });
    fc.assert(
      fc.property(batch, (value) => expect(unpackResult('sample', packResult('sample', value))).toEqual(value)),
      { numRuns: 50 },
    );
  });
  test('numbers of any size make the round trip', () => {
    const numbers = fc.record({
      whole: fc.oneof(fc.integer(), fc.maxSafeInteger()),
      real: fc.double({ noNaN: true, noDefaultInfinity: true }),
    });
    fc.assert(fc.property(numbers, (value) => expect(unpack(tNumbers, pack(tNumbers, value))).toEqual(value)));
  });
});
