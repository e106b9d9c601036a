import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { type LogFiles, ProcessLog } from '../../../ts/worker/processLog.ts';

let folder: string;
let troubles: string[];
const onTrouble = (message: string): void => {
  troubles.push(message);
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-log-'));
  troubles = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Files of which each takes `room` bytes, 3 at a time. */
function small(room: number): LogFiles & { written: string; closed: number } {
  const files = {
    written: '',
    closed: 0,
    open: () => 7,
    write: (_: number, bytes: Uint8Array, offset: number) => {
      const some = Buffer.from(bytes).toString('utf8', offset, offset + Math.min(3, room - files.written.length));
      if (some === '') throw new Error('ENOSPC: no space left on device, write');
      files.written += some;
      return some.length;
    },
    close: () => {
      files.closed += 1;
    },
  };
  return files;
}

test('what is appended is in the file, behind what was there', () => {
  const path = join(folder, 'worker.log');
  for (const text of ['one\n', 'two\n']) {
    const log = new ProcessLog(path, onTrouble);
    log.append(Buffer.from(text));
    log.close();
  }
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
  expect(troubles).toEqual([]);
});

test('a write that is cut short goes on', () => {
  const files = small(100);
  new ProcessLog('worker.log', onTrouble, files).append(Buffer.from('ten bytes.'));
  expect(files.written).toBe('ten bytes.');
});

test('a disk that is full is told once, and nobody fails', () => {
  const files = small(8);
  const log = new ProcessLog('worker.log', onTrouble, files);
  for (const text of ['eight by', 'more', 'and more']) log.append(Buffer.from(text));
  log.close();
  expect(files).toMatchObject({ written: 'eight by', closed: 1 });
  expect(troubles).toEqual([
    'worker.log cannot be written, so nothing more is logged there: ENOSPC: no space left on device, write',
  ]);
});

test.each([
  ['a folder in its place', () => folder, 'EISDIR'],
  ['a file in the place of its folder', () => join('/dev/null', 'worker.log'), 'ENOTDIR'],
])('%s is told, and nobody fails', (_, path, code) => {
  const log = new ProcessLog(path(), onTrouble);
  log.append(Buffer.from('text'));
  log.close();
  expect(troubles).toEqual([expect.stringContaining(code)]);
});

test('a disk that says only in the end that something was lost fails nobody', () => {
  const files = {
    ...small(100),
    close: () => {
      throw new Error('EDQUOT');
    },
  };
  expect(() => new ProcessLog('worker.log', onTrouble, files).close()).not.toThrow();
});
