import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readRecords } from '../../../ts/benchmarks/records.ts';
import { writeParquet } from '../../fixtures/parquet.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-records-'));
afterAll(() => rmSync(home, { recursive: true }));

async function read(name: string, text?: string | Uint8Array) {
  if (text !== undefined) writeFileSync(join(home, name), text);
  const found: { record: object; place: string }[] = [];
  for await (const each of readRecords(join(home, name), name)) found.push(each);
  return found;
}

const ONE_AND_TWO = [{ a: 'x, "y"\nz' }, { a: 'ä' }];

test('lines of JSON, with a byte order mark, blank lines and carriage returns', async () => {
  const found = await read('a.jsonl', '\ufeff{"a": "x, \\"y\\"\\nz"}\r\n\r\n{"a": "ä"}');
  expect(found).toEqual([
    { record: ONE_AND_TWO[0], place: 'line 1' },
    { record: ONE_AND_TWO[1], place: 'line 3' },
  ]);
});

test.each(['a.json', 'list.jsonl'])('%s: a list is a list whatever its file is called', async (name) => {
  const found = await read(name, `\ufeff \n${JSON.stringify(ONE_AND_TWO, null, 1)}`);
  expect(found.map(({ record }) => record)).toEqual(ONE_AND_TWO);
  expect(found[1]?.place).toBe('record 2');
});

test('a .json file of lines', async () => {
  expect((await read('lines.json', '{"a": 1}\n{"a": 2}\n')).map(({ record }) => record)).toEqual([{ a: 1 }, { a: 2 }]);
});

test('CSV with quotes, commas and line breaks in its cells', async () => {
  const found = await read('a.csv', '\ufeffa,b\r\n"x, ""y""\nz",1\r\n\r\nä,2\r\n');
  expect(found.map(({ record }) => record)).toEqual([
    { ...ONE_AND_TWO[0], b: '1' },
    { ...ONE_AND_TWO[1], b: '2' },
  ]);
  expect(found.map(({ place }) => place)).toEqual(['the row that ends in line 3', 'the row that ends in line 5']);
});

test.each(['SNAPPY', 'GZIP', 'ZSTD'] as const)(
  'Parquet with %s: texts, lists, integers, numbers, groups',
  async (codec) => {
    const rows = Array.from({ length: 5 }, (_, index) => ({
      question: `${'q'.repeat(200)} ${index} 数`,
      options: ['ä', 'b'.repeat(index)],
      id: BigInt(index),
      answer: index + 0.5,
    }));
    writeParquet(join(home, `${codec}.parquet`), rows, codec);
    const found = await read(`${codec}.parquet`);
    expect(found.map(({ record }) => record)).toEqual(rows);
    expect(found.map(({ place }) => place)).toEqual(['row 1', 'row 2', 'row 3', 'row 4', 'row 5']);
  },
);

describe('what cannot be read is named, with where and why', () => {
  test.each([
    ['none.jsonl', undefined, /^none\.jsonl: no such file$/],
    ['none.csv', undefined, /^none\.csv: no such file$/],
    ['none.parquet', undefined, /^none\.parquet: no such file$/],
    ['b.txt', '', /^b\.txt ends in none of \.jsonl, \.json, \.csv, \.parquet$/],
    ['b.jsonl', '{"a": 1}\n{"a": \n', /^b\.jsonl, line 2 is not JSON: /],
    ['c.jsonl', '{"a": 1}\n7\n', /^c\.jsonl, line 2 is a number: a record is an object with fields$/],
    ['b.json', '[{"a": 1}, ["a"]]', /^b\.json, record 2 is a list: a record is an object with fields$/],
    ['c.json', '[{"a": 1}', /^c\.json, which is not JSON: /],
    ['b.csv', 'a,b\n1,2\n3\n', /^b\.csv, which is not CSV: .*line 3/],
    ['c.csv', 'a,b\n"1,2\n', /^c\.csv, which is not CSV: /],
    ['b.parquet', 'not parquet at all', /^b\.parquet, which cannot be read as Parquet: /],
  ])('%s', async (name, text, message) => {
    await expect(read(name, text)).rejects.toMatchObject({ code: 'data', message: expect.stringMatching(message) });
  });

  test('a Parquet file that was cut off', async () => {
    writeParquet(join(home, 'whole.parquet'), [{ a: 'x'.repeat(1000) }, { a: 'y' }]);
    const { readFileSync } = await import('node:fs');
    const bytes = readFileSync(join(home, 'whole.parquet'));
    await expect(read('cut.parquet', bytes.subarray(0, bytes.length - 20))).rejects.toMatchObject({ code: 'data' });
  });
});
