import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { RecordFile, wholeRecords } from '../../../ts/store/recordFile.ts';

let folder: string;
const path = () => join(folder, 'records.jsonl');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what is added is there, for it and for others', () => {
  const file = new RecordFile<{ a: number }>(path(), true);
  file.add([{ a: 1 }]);
  file.add([]);
  file.add([{ a: 2 }, { a: 3 }]);
  file.close();
  expect(file.records).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }]);
  expect(wholeRecords(path()).records).toEqual(file.records);
});

test('any cut of the last line leaves the lines before it, and is cut off by who adds', () => {
  const whole = '{"text":"one"}\n{"text":"zwei – 二"}\n';
  const first = Buffer.from('{"text":"one"}\n');
  const bytes = Buffer.from(whole);
  for (let end = first.length; end < bytes.length; end++) {
    writeFileSync(path(), bytes.subarray(0, end));
    expect(wholeRecords(path()).records).toEqual([{ text: 'one' }]);
    const file = new RecordFile<{ text: string }>(path(), false);
    file.add([{ text: 'zwei – 二' }]);
    file.close();
    expect(readFileSync(path(), 'utf8')).toBe(whole);
  }
});

test('a line in the middle that is none is an error that names it, and the file stays', () => {
  writeFileSync(path(), '{"a":1}\n{"a":\n{"a":3}\n');
  expect(() => new RecordFile(path(), true)).toThrow(/^line 2 of .*records\.jsonl is no JSON/);
  appendFileSync(path(), '');
  expect(readFileSync(path(), 'utf8')).toBe('{"a":1}\n{"a":\n{"a":3}\n');
});

test('there are none where there is no file', () => {
  expect(wholeRecords(path())).toEqual({ records: [], bytes: 0 });
});
