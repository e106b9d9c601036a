import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { LineFile } from '../../../ts/store/lineFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'rzero-lines-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('nothing is there before all is', () => {
  const path = join(folder, 'new', 'lines.jsonl');
  const file = new LineFile(path);
  const records = Array.from({ length: 5000 }, (_, id) => ({ id, question: `ÄÖ ${id}` }));
  for (const record of records) file.add(record);
  expect(existsSync(path)).toBe(false);
  file.finish();
  expect(
    readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(records);
  expect(readdirSync(join(folder, 'new'))).toEqual(['lines.jsonl']);
});

test('what is discarded leaves the old file, and nothing beside it', () => {
  const path = join(folder, 'old.jsonl');
  writeFileSync(path, 'old\n');
  const file = new LineFile(path);
  file.add({ id: 1 });
  file.discard();
  file.discard();
  file.finish();
  expect(readFileSync(path, 'utf8')).toBe('old\n');
  expect(existsSync(`${path}.tmp`)).toBe(false);
});

test('what is finished is not discarded', () => {
  const path = join(folder, 'kept.jsonl');
  const file = new LineFile(path);
  file.finish();
  file.discard();
  expect(readFileSync(path, 'utf8')).toBe('');
});
