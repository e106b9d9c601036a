import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as generated from '../../../ts/protocol/generated.ts';
import type { Codec } from '../../../ts/protocol/primitives.ts';
import { pack, packEnvelope, unpack, unpackEnvelope, unpackParams } from '../../../ts/worker/codec.ts';

const FIXTURES = new URL('../../../proto/fixtures/', import.meta.url);

/** Codecs of all structs by name; an alias (SampleResult) is the very codec of its struct, so results come last. */
const codecs = new Map<string, Codec<object>>();
const isResult = ([name]: [string, unknown]): number => Number(name.endsWith('Result'));
for (const [name, codec] of Object.entries(generated).sort((a, b) => isResult(a) - isResult(b))) {
  const isEnum = `${name.slice(1)}_VALUES`.toLowerCase() in enumNames();
  if (/^t[A-Z]/.test(name) && !isEnum && ![...codecs.values()].includes(codec as Codec<object>)) {
    codecs.set(name.slice(1), codec as Codec<object>);
  }
}

function enumNames(): Record<string, true> {
  const constants = Object.keys(generated).filter((name) => name.endsWith('_VALUES'));
  return Object.fromEntries(
    constants.map((name) => [`${name.slice(0, -7).replaceAll('_', '')}_values`.toLowerCase(), true]),
  );
}

/** JSON of a fixture as the TypeScript value that it stands for. */
function fromJson(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(fromJson);
  if (typeof json !== 'object' || json === null) return json;
  const [key, value] = Object.entries(json)[0] ?? ['', undefined];
  if (key === '$bytes') return new Uint8Array(Buffer.from(value as string, 'hex'));
  const numbers = (): number[] => (value as (number | string)[]).map(Number);
  if (key === '$u8s') return Uint8Array.from(numbers());
  if (key === '$i32s') return Int32Array.from(numbers());
  if (key === '$u32s') return Uint32Array.from(numbers());
  if (key === '$f32s') return Float32Array.from(numbers());
  return Object.fromEntries(Object.entries(json).map(([name, item]) => [name, fromJson(item)]));
}

const cases = [...codecs.keys()].flatMap((type) =>
  readdirSync(FIXTURES)
    .filter((folder) => folder === type)
    .flatMap((folder) => readdirSync(new URL(`${folder}/`, FIXTURES)))
    .filter((file) => file.endsWith('.json'))
    .map((file) => ({ type, name: file.slice(0, -'.json'.length) })),
);

function codecOf(type: string): Codec<object> {
  const codec = codecs.get(type);
  if (codec === undefined) throw new Error(`no codec for ${type}`);
  return codec;
}

test('every struct, envelope, params and result has a fixture, and every fixture a type', () => {
  const folders = readdirSync(FIXTURES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual([...codecs.keys()].sort());
  expect([...new Set(cases.map(({ type }) => type))].sort()).toEqual([...codecs.keys()].sort());
  expect(codecs.size).toBeGreaterThan(30);
});

describe.each(cases)('$type/$name', ({ type, name }) => {
  const golden = readFileSync(new URL(`${type}/${name}.msgpack`, FIXTURES));
  const value = fromJson(JSON.parse(readFileSync(new URL(`${type}/${name}.json`, FIXTURES), 'utf8'))) as object;
  const codec = codecOf(type);

  test('decodes to the value of the JSON', () => {
    expect(unpack(codec, golden)).toEqual(value);
  });
  test('encodes to the golden bytes, from the value and from what was decoded', () => {
    expect(pack(codec, value).toString('hex')).toBe(golden.toString('hex'));
    expect(pack(codec, unpack(codec, golden)).toString('hex')).toBe(golden.toString('hex'));
  });
  test('encodes to the golden bytes whatever the order of the keys', () => {
    const reversed = Object.fromEntries(Object.entries(value).reverse());
    expect(pack(codec, reversed).toString('hex')).toBe(golden.toString('hex'));
  });
  if (type in generated.ENVELOPES) {
    test('is told from the other envelopes by its kind', () => {
      const envelope = unpackEnvelope(golden);
      expect(envelope).toEqual(value);
      expect(packEnvelope(envelope).toString('hex')).toBe(golden.toString('hex'));
      // The kind comes first: a map of few keys, then the text "kind".
      expect(golden.subarray(1, 6).toString('latin1')).toBe('\xa4kind');
    });
  }
});

test('params inside a request decode as the params of its verb', () => {
  const request = unpackEnvelope(readFileSync(new URL('Request/nested_params.msgpack', FIXTURES)));
  if (request.kind !== 'Request') throw new Error('not a request');
  expect(request.verb).toBe('cancel');
  expect(unpackParams('cancel', request.params)).toEqual({ id: 7 });
});

describe('refused, as in Python', () => {
  const refused = JSON.parse(readFileSync(new URL('refused.json', FIXTURES), 'utf8')) as {
    type: string;
    why: string;
    hex: string;
    /** The whole message, where both languages word it alike. */
    says?: string;
  }[];
  test.each(refused)('$type: $why', ({ type, hex, says }) => {
    const bytes = Buffer.from(hex, 'hex');
    const decode = (): unknown => (type === 'Envelope' ? unpackEnvelope(bytes) : unpack(codecOf(type), bytes));
    const error = { name: 'ProtocolError', code: 'invalid_request', ...(says && { message: says }) };
    expect(decode).toThrow(expect.objectContaining(error));
  });
});
