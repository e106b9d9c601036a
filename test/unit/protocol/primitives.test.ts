import { describe, expect, test } from '@jest/globals';
import {
  PROTOCOL_HASH,
  type SampleParams,
  tProgress,
  tRequest,
  tSampleParams,
  tTrainBatch,
  tWorkerError,
  VERBS,
} from '../../../ts/protocol/generated.ts';
import {
  ProtocolError,
  tBool,
  tBytes,
  tEnum,
  tF32s,
  tFloat,
  tI32s,
  tInt,
  tList,
  tMap,
  tOptional,
  tString,
  tStruct,
  tU8s,
  tU32s,
  WideNumber,
} from '../../../ts/protocol/primitives.ts';

const error = (act: () => unknown): ProtocolError => {
  try {
    act();
  } catch (caught) {
    if (caught instanceof ProtocolError) return caught;
    throw caught;
  }
  throw new Error('nothing was thrown');
};

const sampleParams = (): SampleParams => ({
  modelId: 'solver',
  conversations: [{ messages: [{ role: 'user', content: 'x' }] }],
  n: 2,
  seeds: Uint32Array.of(7),
  sampling: { temperature: 1, topP: 0.9, topK: 0, maxTokens: 8 },
});

describe('errors', () => {
  test('name the path, the value seen and what is allowed', () => {
    const wrong = { ...sampleParams(), sampling: { ...sampleParams().sampling, topP: 'high' as never } };
    const caught = error(() => tSampleParams.encode(wrong, ''));
    expect(caught.code).toBe('invalid_request');
    expect(caught.path).toBe('SampleParams.sampling.topP');
    expect(caught.message).toBe('SampleParams.sampling.topP: saw "high", expected a finite number');
  });
  test('name the index in a list and the values of an enum', () => {
    const wrong = { ...sampleParams(), conversations: [{ messages: [{ role: 'boss' as never, content: '' }] }] };
    expect(error(() => tSampleParams.encode(wrong, '')).message).toBe(
      'SampleParams.conversations[0].messages[0].role: saw "boss", expected a Role: system, user, assistant',
    );
  });
  test('name an unknown field and those that there are', () => {
    const wrong = { code: 'internal', message: 'm', detail: 'x' } as never;
    expect(error(() => tWorkerError.encode(wrong, '')).message).toBe(
      'WorkerError.detail: unknown field (WorkerError has: code, message, details)',
    );
    expect(error(() => VERBS.ping.params.decode({ a: 1 }, '')).message).toBe(
      'PingParams.a: unknown field (PingParams has: no fields)',
    );
  });
  test('name a missing field', () => {
    expect(error(() => tWorkerError.decode({ code: 'internal' }, '')).message).toBe(
      'WorkerError.message: missing field of WorkerError',
    );
    expect(error(() => tWorkerError.encode({ code: 'internal', message: undefined as never }, '')).path).toBe(
      'WorkerError.message',
    );
  });
  test('shorten long values', () => {
    const caught = error(() => tInt.decode('y'.repeat(10_000), 'x'));
    expect(caught.message.length).toBeLessThan(150);
    expect(caught.message).toContain('yyy"...');
  });
});

describe('scalars', () => {
  test.each([0.5, Number.NaN, Infinity, 2 ** 53, -(2 ** 53), '1', true, null, undefined, 1n])(
    'tInt refuses %p',
    (value) => {
      expect(() => tInt.decode(value, 'x')).toThrow(ProtocolError);
      expect(() => tInt.encode(value as number, 'x')).toThrow(ProtocolError);
    },
  );
  test.each([Number.NaN, Infinity, -Infinity, '1', true, null, 1n])('tFloat refuses %p', (value) => {
    expect(() => tFloat.decode(value, 'x')).toThrow(ProtocolError);
    expect(() => tFloat.encode(value as number, 'x')).toThrow(ProtocolError);
  });
  test('integers beyond 32 bits and all floats keep their kind on the wire', () => {
    expect(tInt.encode(2 ** 32 - 1, 'x')).toBe(2 ** 32 - 1);
    expect(tInt.encode(2 ** 32, 'x')).toEqual(new WideNumber(2 ** 32, 'int'));
    expect(tInt.encode(-(2 ** 31), 'x')).toBe(-(2 ** 31));
    expect(tInt.encode(-(2 ** 31) - 1, 'x')).toEqual(new WideNumber(-(2 ** 31) - 1, 'int'));
    expect(Object.is(tInt.encode(-0, 'x'), 0)).toBe(true);
    expect(tFloat.encode(1, 'x')).toEqual(new WideNumber(1, 'float'));
  });
  test('an int on the wire may stand for a float', () => {
    expect(tFloat.decode(3, 'x')).toBe(3);
  });
  test('tBool, tString and tEnum take nothing else', () => {
    expect(() => tBool.decode(1, 'x')).toThrow('x: saw 1, expected true or false');
    expect(() => tString.decode(new String('x'), 'x')).toThrow(ProtocolError);
    expect(() => tEnum('Role', ['user']).decode('constructor', 'x')).toThrow('expected a Role: user');
  });
  test('lone surrogates become U+FFFD', () => {
    expect(tString.encode('a\ud83d', 'x')).toBe('a\ufffd');
    expect(tString.encode('a\ud83d\ude00', 'x')).toBe('a\ud83d\ude00');
  });
});

describe('packed arrays', () => {
  test('encode covers exactly the range of a view', () => {
    const all = Int32Array.of(1, 2, 3, 4);
    const middle = all.subarray(1, 3);
    const wire = tI32s.encode(middle, 'x');
    expect(Buffer.isBuffer(wire)).toBe(true);
    expect((wire as Buffer).toString('hex')).toBe('0200000003000000');
  });
  test('decode copies out of an unaligned position', () => {
    const frame = Buffer.from('ff0200000003000000', 'hex');
    const values = tI32s.decode(frame.subarray(1), 'x');
    expect(values).toEqual(Int32Array.of(2, 3));
    frame.fill(0);
    expect(values).toEqual(Int32Array.of(2, 3));
    expect(values.buffer.byteLength).toBe(8);
  });
  test('floats pass bit by bit, NaN included', () => {
    const values = Float32Array.of(Number.NaN, -0, Infinity, 1e-45);
    const back = tF32s.decode(tF32s.encode(values, 'x'), 'x');
    expect([...back].map((v) => Object.is(v, -0))).toEqual([false, true, false, false]);
    expect(back).toEqual(values);
  });
  test('a part of an item is refused', () => {
    expect(() => tU32s.decode(new Uint8Array(7), 'x')).toThrow(
      'x: saw 7 bytes, expected a multiple of 4 (Uint32Array)',
    );
  });
  test.each([
    [tI32s, [1, 2], 'an Int32Array'],
    [tI32s, Float32Array.of(1), 'an Int32Array'],
    [tU32s, Int32Array.of(1), 'an Uint32Array'],
    [tF32s, Float64Array.of(1), 'an Float32Array'],
    [tU8s, 'ab', 'an Uint8Array'],
    [tU8s, new Uint8ClampedArray(1), 'an Uint8Array'],
    [tU8s, new DataView(new ArrayBuffer(1)), 'an Uint8Array'],
  ])('only the exact array type is encoded (%#)', (codec, value, allowed) => {
    expect(() => codec.encode(value as never, 'x')).toThrow(allowed);
  });
  test('decode takes bytes and nothing else', () => {
    for (const wire of [[1, 2], 'ab', Int32Array.of(1), null]) {
      expect(() => tI32s.decode(wire, 'x')).toThrow('expected bytes');
    }
  });
  test('tBytes decodes to a view of the frame', () => {
    const frame = Buffer.from([1, 2, 3]);
    const view = tBytes.decode(frame.subarray(1), 'x');
    frame[1] = 9;
    expect([...view]).toEqual([9, 3]);
    expect(Buffer.isBuffer(view)).toBe(false);
  });
});

describe('containers', () => {
  test('lists refuse holes and look-alikes', () => {
    const list = tList(tInt);
    const holed: number[] = [1, 2, 3];
    delete holed[1];
    expect(() => list.encode(holed, 'x')).toThrow('x[1]: saw undefined');
    for (const value of [{ length: 0 }, 'ab', new Set([1]), Int32Array.of(1), null]) {
      expect(() => list.decode(value, 'x')).toThrow('expected a list');
    }
  });
  test('maps refuse Map, Date, lists, bytes and the key __proto__', () => {
    const map = tMap(tString);
    expect(map.decode({ a: 'b', constructor: 'c' }, 'x')).toEqual({ a: 'b', constructor: 'c' });
    for (const value of [new Map(), new Date(0), [], new Uint8Array(0), null, 'a']) {
      expect(() => map.decode(value, 'x')).toThrow('expected a map');
    }
    const poisoned = JSON.parse('{"__proto__": "p"}') as Record<string, string>;
    expect(() => map.encode(poisoned, 'x')).toThrow('"__proto__" is not allowed');
    expect(() => map.encode({ a: 1 as never }, 'x')).toThrow('x["a"]: saw 1');
  });
  test('a struct takes no field from the prototype', () => {
    const struct = tStruct<{ toString: string }>('S', { toString: tString });
    expect(() => struct.decode({}, '')).toThrow('S.toString: missing field');
  });
  test('fields are written in the order of the definition, absent ones left out', () => {
    const struct = tStruct<{ a: number; b?: number; c: number }>('S', { a: tInt, b: tOptional(tInt), c: tInt });
    expect(Object.keys(struct.encode({ c: 3, a: 1 }, '') as object)).toEqual(['a', 'c']);
    expect(Object.keys(struct.encode({ c: 3, b: 2, a: 1 }, '') as object)).toEqual(['a', 'b', 'c']);
    expect(struct.decode({ a: 1, c: 3 }, '')).toStrictEqual({ a: 1, c: 3 });
    expect(struct.decode({ a: 1, b: null, c: 3 }, '')).toStrictEqual({ a: 1, c: 3 });
    expect(() => struct.decode({ a: null, c: 3 }, '')).toThrow('S.a: saw null');
  });
  test('an envelope has its kind first and refuses another', () => {
    const progress = { kind: 'Progress', id: 1, done: 2, total: 3 } as const;
    expect(Object.keys(tProgress.encode({ ...progress }, '') as object)[0]).toBe('kind');
    expect(() => tRequest.decode({ ...progress }, '')).toThrow('Request.kind: saw "Progress", expected "Request"');
  });
  test('an optional packed array goes both ways', () => {
    const batch = {
      tokens: Int32Array.of(1),
      lengths: Int32Array.of(1),
      mask: Uint8Array.of(1),
      advantages: Float32Array.of(2),
    };
    expect(tTrainBatch.decode(tTrainBatch.encode(batch, ''), '')).toStrictEqual(batch);
    const full = { ...batch, oldLogprobs: Float32Array.of(-1) };
    expect(tTrainBatch.decode(tTrainBatch.encode(full, ''), '')).toStrictEqual(full);
  });
});

test('the verbs table', () => {
  expect(Object.keys(VERBS).slice(0, 3)).toEqual(['load_model', 'inspect_model', 'unload_model']);
  for (const [verb, { method }] of Object.entries(VERBS)) {
    expect(method.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)).toBe(verb);
  }
  const named = (flag: 'control' | 'progress'): string[] =>
    Object.entries(VERBS).flatMap(([verb, spec]) => (spec[flag] ? [verb] : []));
  expect(named('control')).toEqual(['ping', 'inspect_machine', 'cancel', 'shutdown']);
  expect(named('progress')).toEqual(['sample', 'forward']);
  expect(VERBS.sample.errors).toEqual(['unknown_model', 'stale_weights', 'out_of_memory', 'cancelled']);
  expect(PROTOCOL_HASH).toMatch(/^[0-9a-f]{64}$/);
});
