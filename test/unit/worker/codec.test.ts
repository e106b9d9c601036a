import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Envelope, tPingParams } from '../../../ts/protocol/generated.ts';
import { ProtocolError, tFloat, tInt, tStruct } from '../../../ts/protocol/primitives.ts';
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

/** Numbers without a range. */
interface Numbers {
  whole: number;
  real: number;
}
const tNumbers = tStruct<Numbers>('Numbers', { whole: tInt, real: tFloat });
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString('hex');

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
