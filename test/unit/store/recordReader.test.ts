import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatRecords } from '../../../ts/store/files.ts';
import { RecordsDamaged, recordsAt, recordsIn } from '../../../ts/store/recordReader.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-store-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const file = () => join(home, 'records.jsonl');

test('records are read one by one, and found again where they lie, in any order', () => {
  const record = fc.record({ id: fc.nat(), text: fc.string({ unit: 'binary', maxLength: 40 }) });
  fc.assert(
    fc.property(fc.array(record), (records) => {
      writeFileSync(file(), formatRecords(records));
      const located = [...recordsIn<object>(file())];
      expect(located.map((one) => one.record)).toEqual(records);
      expect(recordsAt(file(), located.toReversed())).toEqual(records.toReversed());
    }),
    { numRuns: 50 },
  );
});

test('a record may be longer than what is read at a time, and the last one may lack its newline', () => {
  const records = [{ text: 'é'.repeat(200_000) }, { text: 'short' }];
  writeFileSync(file(), formatRecords(records).trimEnd());
  expect([...recordsIn(file())].map(({ record }) => record)).toEqual(records);
});

test('memory holds what was asked for: a reader that stops reads no further', () => {
  writeFileSync(file(), `{"a":1}\n${'x'.repeat(100)}\n`);
  for (const { record } of recordsIn(file())) {
    expect(record).toEqual({ a: 1 });
    break;
  }
});

test('a line that is no JSON is named', () => {
  writeFileSync(file(), '{"a":1}\n\n{"a":\n');
  const read = () => [...recordsIn(file(), 'iteration-1/questions.jsonl')];
  expect(read).toThrow(RecordsDamaged);
  expect(read).toThrow('iteration-1/questions.jsonl, line 3 is damaged: ');
  expect(() => recordsAt(file(), [{ offset: 2, bytes: 4 }], 'q.jsonl')).toThrow('q.jsonl, byte 2 is damaged: ');
});
