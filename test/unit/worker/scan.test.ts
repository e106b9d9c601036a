import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { ProtocolError } from '../../../ts/protocol/primitives.ts';
import { SCAN_LIMITS, scan } from '../../../ts/worker/scan.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
const refuses = (hex: string, problem: string | RegExp): void => {
  expect(() => scan(bytes(hex), 'frame')).toThrow(problem);
  expect(() => scan(bytes(hex), 'frame')).toThrow(ProtocolError);
};

describe('accepts every form of a value', () => {
  test.each([
    ['00', 'positive fixint'],
    ['7f', 'largest positive fixint'],
    ['e0', 'smallest negative fixint'],
    ['ff', '-1'],
    ['c0', 'nil'],
    ['c2', 'false'],
    ['c3', 'true'],
    ['ca 3f800000', 'float32'],
    ['cb 3ff0000000000000', 'float64'],
    ['cc ff', 'uint8'],
    ['cd ffff', 'uint16'],
    ['ce ffffffff', 'uint32'],
    ['cf ffffffffffffffff', 'uint64'],
    ['d0 80', 'int8'],
    ['d1 8000', 'int16'],
    ['d2 80000000', 'int32'],
    ['d3 8000000000000000', 'int64'],
    ['a0', 'empty text'],
    [`bf${'61'.repeat(31)}`, 'fixstr'],
    ['d9 01 61', 'str8'],
    ['da 0001 61', 'str16'],
    ['db 00000001 61', 'str32'],
    ['c4 00', 'bin8'],
    ['c5 0001 ff', 'bin16'],
    ['c6 00000001 ff', 'bin32'],
    ['90', 'empty list'],
    [`9f${'00'.repeat(15)}`, 'fixarray'],
    ['dc 0001 00', 'array16'],
    ['dd 00000001 00', 'array32'],
    ['80', 'empty map'],
    ['81 a1 61 00', 'fixmap'],
    [`8f ${Array.from({ length: 15 }, (_, i) => `a1 6${i.toString(16)} 00`).join(' ')}`, 'largest fixmap'],
    ['de 0001 a1 61 00', 'map16'],
    ['df 00000001 a1 61 00', 'map32'],
    ['82 a1 61 81 a1 61 90 a1 62 92 80 c0', 'the same key at two levels, lists that end together'],
  ])('%s: %s', (hex) => {
    expect(() => scan(bytes(hex), 'frame')).not.toThrow();
  });
});

describe('refuses', () => {
  test('nothing', () => refuses('', 'frame: malformed msgpack at byte 0 of 0: 1 bytes announced, 0 left'));
  test('bytes after the value', () => refuses('c0 c0', 'at byte 1 of 2: 1 bytes after the value'));
  test('the byte 0xc1', () => refuses('91 c1', 'at byte 1 of 2: the byte 0xc1'));
  test.each(['c7 00 00', 'c8 0000 00', 'c9 00000000 00', 'd4 00 00', 'd5 72 0000', 'd6 ff 00000000'])(
    'the extension %s',
    (hex) => refuses(hex, 'an extension type'),
  );
  test.each(['d7 00 0000000000000000', `d8 00 ${'00'.repeat(16)}`, 'c7 02 78 612f', 'd4 65 00'])(
    'the extension %s',
    (hex) => refuses(hex, 'an extension type'),
  );
  test.each(['01', 'c0', 'c4 00', 'cb 0000000000000000', '90', '80', 'c2'])('the map key %s', (key) =>
    refuses(`81 ${key} 00`, 'a map key that is not a string'),
  );
  test('a key twice in one map', () => refuses('82 a1 61 00 a1 61 01', 'the key "a" a second time'));
  test('a key twice, written in two ways', () => refuses('82 a1 61 00 d9 01 61 01', 'the key "a" a second time'));
  test('the key __proto__', () => refuses('81 a9 5f5f70726f746f5f5f 00', 'the key "__proto__"'));
  test.each(['a1 ff', 'a3 eda080', 'a2 c080', '81 a1 ff 00'])('text that is not UTF-8: %s', (hex) =>
    refuses(hex, 'not UTF-8'),
  );
  test.each(['dd 01ffffff', 'df 01ffffff', 'dc ffff', 'de ffff 00', '9f 00', '8f a1 61', '81 a1 61', 'dd ffffffff'])(
    'values that are not there: %s',
    (hex) => refuses(hex, /announced|left/),
  );
  test.each(['a1', 'd9', 'd9 02 61', 'da 00', 'db ffffffff', 'c4 01', 'c6 ffffffff 00', 'cb 00', 'cf', 'cd 00'])(
    'bytes that are not there: %s',
    (hex) => refuses(hex, /bytes announced/),
  );
  test('more nesting than the limit, and not less', () => {
    const nested = (depth: number): Buffer => bytes(`${'91'.repeat(depth)}c0`);
    expect(() => scan(nested(64), 'frame')).not.toThrow();
    expect(() => scan(nested(65), 'frame')).toThrow('nested deeper than 64');
    expect(() => scan(nested(100_000), 'frame')).toThrow('nested deeper than 64');
    expect(() => scan(bytes(`${'81a161'.repeat(65)}c0`), 'frame')).toThrow('nested deeper than 64');
  });
  test('more bytes and more values than the limits, and not less', () => {
    const list = bytes('95 00 00 00 00 00');
    expect(() => scan(list, 'frame', { ...SCAN_LIMITS, bytes: 6, values: 6 })).not.toThrow();
    expect(() => scan(list, 'frame', { ...SCAN_LIMITS, bytes: 5 })).toThrow('longer than the allowed 5 bytes');
    expect(() => scan(list, 'frame', { ...SCAN_LIMITS, values: 5 })).toThrow('more than 5 values');
  });
  test('a header that announces 33 million pairs, without allocating for them', () => {
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 20; i += 1) refuses('df 01ffffff', 'announced');
    expect(process.memoryUsage().rss - before).toBeLessThan(32 * 2 ** 20);
  });
});

// A second, independent judge: a recursive reader that follows the msgpack specification literally. It returns the
// offset after one value, or -1 where the scan must refuse.
function after(data: Buffer, at: number, depth: number): number {
  const byte = data[at];
  if (byte === undefined) return -1;
  const skip = (head: number, body: number): number => (at + head + body <= data.length ? at + head + body : -1);
  const size = (width: number): number => (at + width < data.length ? data.readUIntBE(at + 1, width) : -1);
  const sized = (width: number, then: (head: number, count: number) => number): number => {
    const count = size(width);
    return count < 0 ? -1 : then(1 + width, count);
  };
  const text = (head: number, count: number): number => {
    const end = skip(head, count);
    if (end < 0) return -1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(data.subarray(at + head, end));
      return end;
    } catch {
      return -1;
    }
  };
  const many = (head: number, count: number, isMap: boolean): number => {
    if (depth === 64) return -1;
    let next = at + head;
    const keys: string[] = [];
    for (let i = 0; i < count; i += 1) {
      if (isMap) {
        const first = data[next] ?? 0;
        if (!((first >= 0xa0 && first <= 0xbf) || (first >= 0xd9 && first <= 0xdb))) return -1;
        const end = after(data, next, depth + 1);
        if (end < 0) return -1;
        const head = first <= 0xbf ? 1 : 1 + 2 ** (first - 0xd9);
        const key = data.toString('utf8', next + head, end);
        if (keys.includes(key) || key === '__proto__') return -1;
        keys.push(key);
        next = end;
      }
      next = after(data, next, depth + 1);
      if (next < 0) return -1;
    }
    return next;
  };
  if (byte < 0x80 || byte >= 0xe0) return skip(1, 0);
  if (byte < 0x90) return many(1, byte & 15, true);
  if (byte < 0xa0) return many(1, byte & 15, false);
  if (byte < 0xc0) return text(1, byte & 31);
  if (byte === 0xc0 || byte === 0xc2 || byte === 0xc3) return skip(1, 0);
  if (byte >= 0xc4 && byte <= 0xc6) return sized(2 ** (byte - 0xc4), skip);
  if (byte === 0xca) return skip(1, 4);
  if (byte === 0xcb) return skip(1, 8);
  if (byte >= 0xcc && byte <= 0xcf) return skip(1, 2 ** (byte - 0xcc));
  if (byte >= 0xd0 && byte <= 0xd3) return skip(1, 2 ** (byte - 0xd0));
  if (byte >= 0xd9 && byte <= 0xdb) return sized(2 ** (byte - 0xd9), text);
  if (byte === 0xdc || byte === 0xdd) return sized(byte === 0xdc ? 2 : 4, (head, count) => many(head, count, false));
  if (byte === 0xde || byte === 0xdf) return sized(byte === 0xde ? 2 : 4, (head, count) => many(head, count, true));
  return -1;
}

describe('properties', () => {
  const packr = new Packr({ useRecords: false, variableMapSize: true, encodeUndefinedAsNil: true });
  const text = fc
    .string({ unit: 'binary', maxLength: 40 })
    .map((s) => (s as string & { toWellFormed(): string }).toWellFormed());
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, false),
      fc.integer(),
      fc.double(),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      text,
      fc.uint8Array({ maxLength: 300 }).map((a) => Buffer.from(a)),
      fc.array(tie('value'), { maxLength: 20 }),
      fc.dictionary(
        text.filter((key) => key !== '__proto__'),
        tie('value'),
        { maxKeys: 20 },
      ),
    ),
  }));

  test('what msgpackr packs is accepted', () => {
    fc.assert(fc.property(value, (v) => scan(packr.pack(v), 'frame') === undefined));
  });

  /** Bytes that start like msgpack more often than chance would have it. */
  const nearly = fc
    .array(
      fc.oneof(fc.constantFrom(0x80, 0x81, 0x82, 0x90, 0x91, 0x92, 0xa0, 0xa1, 0xc0, 0xd9, 0xdc, 0x61, 0), fc.nat(255)),
      {
        maxLength: 60,
      },
    )
    .map((list) => Buffer.from(list));
  /** A packed value with one byte changed. */
  const spoiled = fc.tuple(value, fc.nat(), fc.nat(255)).map(([v, position, byte]) => {
    const packed = Buffer.from(packr.pack(v));
    packed[position % packed.length] = byte;
    return packed;
  });

  test.each([
    ['any bytes', fc.uint8Array({ maxLength: 200 }).map((a) => Buffer.from(a))],
    ['bytes that look like msgpack', nearly],
    ['messages with one wrong byte', spoiled],
  ])('%s are accepted exactly when the specification allows them', (_, data) => {
    fc.assert(
      fc.property(data, (frame) => {
        let accepted = true;
        try {
          scan(frame, 'frame');
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
          accepted = false;
        }
        expect(accepted).toBe(after(frame, 0, 0) === frame.length);
        // What is accepted, the decoder decodes.
        if (accepted) packr.unpack(frame);
      }),
      { numRuns: 300 },
    );
  });
});
