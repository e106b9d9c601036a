import { statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { freeSpace } from '../../../ts/store/freeSpace.ts';

test('what is free where a path is going to be is what is free in its nearest parent', () => {
  const { bsize, blocks } = statfsSync(tmpdir());
  const free = freeSpace(join(tmpdir(), 'rzero-none', 'run'));
  expect(free?.folder).toBe(tmpdir());
  expect(free?.bytes).toBeGreaterThan(0);
  expect(free?.bytes).toBeLessThanOrEqual(bsize * blocks);
  expect(freeSpace(tmpdir())?.folder).toBe(tmpdir());
});

test('a file is in a folder', () => {
  const file = fileURLToPath(import.meta.url);
  expect(freeSpace(file)?.folder).toBe(dirname(file));
});

test('nothing is said of what cannot be asked', () => {
  const stat = () => {
    throw new Error('ENOSYS: function not implemented, statfs');
  };
  expect(freeSpace(tmpdir(), stat)).toBeUndefined();
});

test('what is kept for the system is not free', () => {
  expect(freeSpace(tmpdir(), () => ({ bsize: 4096, bavail: 3 }))).toEqual({ folder: tmpdir(), bytes: 12_288 });
});
