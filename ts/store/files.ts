import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { atPath } from './atPath.ts';

/**
 * Write a file whole or not at all: to a temporary name in the same folder, flushed to disk, then renamed.
 * A reader sees the old content or the new, never a part.
 *
 * @throws Error of the file system; the old content then stays, and the temporary file goes
 */
export function writeWhole(path: string, content: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true });
  const temporary = `${path}.tmp`;
  try {
    // Not writeSync: one write may be cut short, by a disk that is nearly full, say, and that is no error.
    atPath(path, () => writeFileSync(temporary, content, { flush: true }));
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  flushFolder(folder);
}

/** Without it a rename may be lost with the power, though the file's content was flushed. */
export function flushFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    atPath(folder, () => fsyncSync(handle));
  } finally {
    closeSync(handle);
  }
}

/** Documents as JSON, with a final newline, so that files are pleasant in a terminal. */
export function formatDocument(document: object): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** JSON lines, one record each. */
export function formatRecords(records: Iterable<object>): string {
  let text = '';
  for (const record of records) text += `${JSON.stringify(record)}\n`;
  return text;
}
