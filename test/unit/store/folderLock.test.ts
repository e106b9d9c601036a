import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { FolderLock } from '../../../ts/store/folderLock.ts';
import { ELSEWHERE, GONE } from './journalSetup.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const take = () => new FolderLock(folder, 'evals/x');
const leave = (holder: object) => writeFileSync(join(folder, 'lock-000007.json'), JSON.stringify(holder));

test('a folder has one holder, and is free when that has given it back', () => {
  const lock = take();
  expect(take).toThrow(new RegExp(`^evals/x is held by process ${process.pid} on .*; stop that first`));
  lock.release();
  take().release();
  expect(readdirSync(folder)).toEqual(['lock-000002.json']);
});

test('a holder that is dead is followed', () => {
  leave({ ...GONE, released: false });
  take();
  expect(readdirSync(folder)).toEqual(['lock-000008.json']);
});

test('one that cannot be seen from here is not, unless it gave the folder back', () => {
  leave({ ...ELSEWHERE, released: false });
  expect(take).toThrow(/cannot be seen from here; where it is gone for certain, remove .*lock-000007\.json/);
  leave({ ...ELSEWHERE, released: true });
  take();
});

test('nor is one that has not written yet who it is', () => {
  writeFileSync(join(folder, 'lock-000007.json'), '');
  expect(take).toThrow(/is being taken by another process/);
});
