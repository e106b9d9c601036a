import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';
import { BenchmarkError } from './errors.ts';
import type { DataRecord } from './fields.ts';
import { readParquet } from './parquet.ts';

/** Endings of the files that can be read. */
export const FORMATS = ['jsonl', 'json', 'csv', 'parquet'] as const;

/** A record, and where in its file it stands, for errors: `line 3`, `row 7`. */
export interface PlacedRecord {
  readonly record: DataRecord;
  readonly place: string;
}

/**
 * The records of a file, one after another: lines of JSON, a JSON list, CSV with a line of names, or Parquet, by the file's
 * ending. A .json or .jsonl file whose first character is [ is a list, any other is lines. Lists are held in memory as a
 * whole, Parquet row group by row group, the others line by line.
 *
 * @param name what errors call the file
 * @throws BenchmarkError `data` for what is no such file, an error of the file system
 */
export async function* readRecords(path: string, name: string): AsyncGenerator<PlacedRecord> {
  const format = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase() ?? '';
  const reader = Object.hasOwn(READERS, format) ? READERS[format as (typeof FORMATS)[number]] : undefined;
  if (reader === undefined) {
    throw new BenchmarkError('data', `${name} ends in none of ${FORMATS.map((each) => `.${each}`).join(', ')}`);
  }
  try {
    for await (const { record, place } of reader(path)) {
      if (!isRecord(record)) throw bad(`${place} is ${kindOf(record)}: a record is an object with fields`);
      yield { record, place };
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new BenchmarkError('data', `${name}: no such file`);
    if (error instanceof Unreadable) throw new BenchmarkError('data', `${name}, ${message}`);
    throw error;
  }
}

type Reader = (path: string) => AsyncIterable<{ record: unknown; place: string }>;

/** What is wrong with a file, and where in it. */
class Unreadable extends Error {}

const READERS: Readonly<Record<(typeof FORMATS)[number], Reader>> = {
  jsonl: readJson,
  json: readJson,
  csv: readCsv,
  parquet: async function* (path) {
    try {
      yield* readParquet(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
      throw bad(`which cannot be read as Parquet: ${(error as Error).message}`);
    }
  },
};

async function* readJson(path: string): AsyncGenerator<{ record: unknown; place: string }> {
  if ((await firstCharacter(path)) !== '[') return yield* readLines(path);
  const list = parseJson(withoutMark(await readFile(path, 'utf8')), 'which is not JSON') as unknown[];
  for (const [index, record] of list.entries()) yield { record, place: `record ${index + 1}` };
}

async function* readLines(path: string): AsyncGenerator<{ record: unknown; place: string }> {
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    const written = line === 1 ? withoutMark(text) : text;
    if (written.trim() === '') continue;
    yield { record: parseJson(written, `line ${line} is not JSON`), place: `line ${line}` };
  }
}

async function* readCsv(path: string): AsyncGenerator<{ record: unknown; place: string }> {
  const rows = parse({ bom: true, columns: true, info: true, skip_empty_lines: true });
  const input = createReadStream(path);
  input.on('error', (error) => rows.destroy(error));
  try {
    for await (const { record, info } of input.pipe(rows))
      yield { record, place: `the row that ends in line ${info.lines}` };
  } catch (error) {
    if (!String((error as NodeJS.ErrnoException).code).startsWith('CSV_')) throw error;
    throw bad(`which is not CSV: ${(error as Error).message}`);
  }
}

/** The first that is no blank, of the first kilobyte. */
async function firstCharacter(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    return withoutMark(buffer.toString('utf8', 0, bytesRead)).trimStart()[0];
  } finally {
    await file.close();
  }
}

/** Without a byte order mark. */
function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

function parseJson(text: string, wrong: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(`${wrong}: ${(error as Error).message}`);
  }
}

function isRecord(value: unknown): value is DataRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

function bad(message: string): Unreadable {
  return new Unreadable(message);
}
