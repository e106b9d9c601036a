import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { tryFolder } from '../../../ts/store/tryFolder.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-try-'));
});

afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

test('a folder in which everything works, and nothing is left', async () => {
  expect(await tryFolder(folder)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test('one that is not there', async () => {
  expect(await tryFolder(join(folder, 'absent'))).toEqual(['no folder can be made in it (ENOENT)']);
});

// The superuser may write anywhere, but not in the kernel's own file system.
test('one in which nothing can be made', async () => {
  const [problem] = await tryFolder('/proc/self');
  expect(problem).toMatch(/^no folder can be made in it \((ENOENT|EACCES|EPERM|EROFS)\)$/);
});
