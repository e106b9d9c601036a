import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { ParquetFile, type Row } from '../../../ts/store/parquetFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'rzero-parquet-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COLUMNS = { id: 'STRING', question: 'STRING', share: 'DOUBLE' } as const;

function write(path: string, rows: readonly Row[]): void {
  const file = new ParquetFile(path, COLUMNS);
  for (const row of rows) file.add(row);
  file.finish();
}

async function read(path: string) {
  const file = await asyncBufferFromFile(path);
  const { row_groups, schema } = await parquetMetadataAsync(file);
  return {
    rows: await parquetReadObjects({ file }),
    groups: row_groups.map(({ num_rows }) => Number(num_rows)),
    columns: schema.slice(1).map(({ name, type, converted_type }) => [name, type, converted_type]),
  };
}

test('nothing is there before all rows are; they come back from several row groups', async () => {
  const path = join(folder, 'new', 'rows.parquet');
  const rows = Array.from({ length: 20_001 }, (_, at) => ({ id: `${at}`, question: `ÄÖ ${at}? 数 𝕏`, share: at / 3 }));
  const file = new ParquetFile(path, COLUMNS);
  for (const row of rows) file.add(row);
  expect(existsSync(path)).toBe(false);
  file.finish();
  expect(readdirSync(join(folder, 'new'))).toEqual(['rows.parquet']);
  const back = await read(path);
  expect(back.rows).toEqual(rows);
  expect(back.groups).toEqual([10_000, 10_000, 1]);
  expect(back.columns).toEqual([
    ['id', 'BYTE_ARRAY', 'UTF8'],
    ['question', 'BYTE_ARRAY', 'UTF8'],
    ['share', 'DOUBLE', undefined],
  ]);
});

test('any rows come back as they were', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 });
  const row = fc.record({
    id: fc.option(text),
    question: text,
    // A column's dictionary does not tell -0 from 0.
    share: fc.double({ noNaN: true }).map((share) => share + 0),
  });
  const path = join(folder, 'any.parquet');
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 50 }), async (rows) => {
      write(path, rows);
      expect((await read(path)).rows).toEqual(rows);
    }),
    { numRuns: 50 },
  );
});

test('long texts end a row group early, so memory stays bounded', async () => {
  const path = join(folder, 'long.parquet');
  const rows = ['a', 'b', 'c'].map((letter) => ({ id: null, question: letter.repeat(5 << 20), share: 1 }));
  write(path, rows);
  const back = await read(path);
  expect(back.groups).toEqual([2, 1]);
  // Not toEqual on the texts: a difference would print megabytes.
  expect(back.rows.every(({ question }, at) => question === rows[at]?.question)).toBe(true);
});

test('no rows are a file too, and what is absent is null', async () => {
  const path = join(folder, 'few.parquet');
  write(path, []);
  expect(await read(path)).toMatchObject({ rows: [], groups: [] });
  write(path, [{ question: 'q' }]);
  expect((await read(path)).rows).toEqual([{ id: null, question: 'q', share: null }]);
});

test('a value of another type is refused', () => {
  const file = new ParquetFile(join(folder, 'bad.parquet'), COLUMNS);
  file.add({ id: 1, question: 'q', share: 1 });
  expect(() => file.finish()).toThrow(/expected/);
  file.discard();
  expect(readdirSync(folder).filter((name) => name.startsWith('bad'))).toEqual([]);
});

test('what is discarded leaves the old file, and nothing beside it', () => {
  const path = join(folder, 'old.parquet');
  writeFileSync(path, 'old');
  const file = new ParquetFile(path, COLUMNS);
  for (let at = 0; at < 10_001; at++) file.add({ id: 'a', question: 'q', share: 1 });
  file.discard();
  file.discard();
  file.finish();
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(existsSync(`${path}.tmp`)).toBe(false);
});
