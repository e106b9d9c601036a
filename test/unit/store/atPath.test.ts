import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { atPath } from '../../../ts/store/atPath.ts';

test('an error of an open file says which file it was, once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rzero-path-'));
  try {
    const path = join(folder, 'file');
    writeFileSync(path, '');
    const handle = openSync(path, 'r');
    const write = () => atPath(path, () => atPath('/elsewhere', () => writeSync(handle, 'text')));
    expect(write).toThrow(expect.objectContaining({ code: 'EBADF', syscall: 'write', path: '/elsewhere' }));
    expect(write).toThrow("EBADF: bad file descriptor, write '/elsewhere'");
    closeSync(handle);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('one that has a name keeps it, and what is no error of the file system is left alone', () => {
  expect(() => atPath('/a', () => readFileSync('/nonexistent/b'))).toThrow(
    "ENOENT: no such file or directory, open '/nonexistent/b'",
  );
  const other = new TypeError('x is not a function');
  expect(() =>
    atPath('/a', () => {
      throw other;
    }),
  ).toThrow(other);
  expect(other.message).toBe('x is not a function');
  expect(atPath('/a', () => 7)).toBe(7);
});
