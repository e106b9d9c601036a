import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { type Attempt, formatLine, isLineLike, parseHeader, parseLine } from '../../../ts/store/journalLine.ts';

const place = { seq: 7, at: '2026-01-01T00:00:00.000Z' };
const previous = 'ab'.repeat(32);
const withoutEnd = (text: string) => Buffer.from(text.slice(0, -1));

const attempt: Attempt = {
  number: 2,
  run: 'r',
  host: 'h',
  boot: 'b',
  pid: 1,
  started: '5',
  version: '0.1.0',
  after: { attempt: 1, lines: 6, hash: previous },
};

describe('a line of the journal', () => {
  test('is one JSON object with its hash at the end', () => {
    const { text, hash } = formatLine(place, 'entry', '{"type":"workers","message":"m"}', previous);
    expect(text).toBe(
      `{"seq":7,"at":"2026-01-01T00:00:00.000Z","entry":{"type":"workers","message":"m"},"hash":"${hash}"}\n`,
    );
  });

  test('comes back as it was, behind the line that it was written behind and no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        const entry = { type: 'workers', message };
        const { text, hash } = formatLine(place, 'entry', JSON.stringify(entry), previous);
        expect(parseLine(withoutEnd(text), previous)).toEqual({ ...place, entry, hash });
        expect(parseLine(withoutEnd(text), hash)).toBeUndefined();
        expect(isLineLike(withoutEnd(text))).toBe(true);
      }),
    );
  });

  test('is not read with any bit changed, or any part missing', () => {
    const { text } = formatLine(place, 'entry', '{"type":"workers","message":"ä\ufffd"}', previous);
    const bytes = withoutEnd(text);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Buffer.from(bytes);
        other[at] = (other[at] as number) ^ change;
        expect(parseLine(other, previous)).toBeUndefined();
        expect(parseLine(bytes.subarray(0, at), previous)).toBeUndefined();
        expect(isLineLike(bytes.subarray(0, at))).toBe(false);
      }),
    );
  });

  test('a header says itself which line it follows', () => {
    const { text } = formatLine(place, 'attempt', JSON.stringify(attempt), previous);
    expect(parseHeader(withoutEnd(text))?.attempt).toEqual(attempt);
    expect(parseHeader(withoutEnd(text.replace('"pid":1', '"pid":2')))).toBeUndefined();
    const first = formatLine(place, 'attempt', JSON.stringify({ ...attempt, after: null }), '');
    expect(parseHeader(withoutEnd(first.text))?.attempt.after).toBeNull();
    const entry = formatLine(place, 'entry', '{"type":"workers","message":"m"}', '');
    expect(parseHeader(withoutEnd(entry.text))).toBeUndefined();
  });
});
