import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NewFolder } from '../../../ts/store/newFolder.ts';

let home: string;
const path = (name: string) => join(home, name);
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-new-folder-'));
  writeFileSync(path('source'), 'content');
});
afterEach(() => rmSync(home, { recursive: true }));

test('nothing is there before all is, and then nothing but it', async () => {
  const folder = new NewFolder(path('made'));
  await folder.copy(path('source'), 'a/b');
  folder.write('c', 'text');
  expect(existsSync(path('made'))).toBe(false);
  folder.finish();
  folder.discard();
  expect(readFileSync(path('made/a/b'), 'utf8')).toBe('content');
  expect(readFileSync(path('made/c'), 'utf8')).toBe('text');
  expect(readdirSync(home).sort()).toEqual(['made', 'source']);
});

test('a copy is a file of its own, a link is not', async () => {
  const folder = new NewFolder(path('made'));
  await folder.copy(path('source'), 'copy');
  await folder.link(path('source'), 'link');
  folder.finish();
  writeFileSync(path('made/copy'), 'changed');
  expect(readFileSync(path('source'), 'utf8')).toBe('content');
  expect(statSync(path('made/link')).ino).toBe(statSync(path('source')).ino);
});

test('what has the place goes when the new one is whole', () => {
  mkdirSync(path('made'));
  writeFileSync(path('made/old'), '');
  const folder = new NewFolder(path('made'));
  folder.write('new', '');
  expect(readdirSync(path('made'))).toEqual(['old']);
  folder.finish();
  expect(readdirSync(path('made'))).toEqual(['new']);
  expect(readdirSync(home).sort()).toEqual(['made', 'source']);
});

test('what is discarded leaves nothing, and what a lost writer left is removed', () => {
  new NewFolder(path('made')).write('half', '');
  mkdirSync(path('.made.of-somebody.partial'));
  const next = new NewFolder(path('made'));
  expect(readdirSync(home).filter((name) => name.startsWith('.made')).length).toBe(2);
  next.discard();
  expect(readdirSync(home).sort()).toEqual(['.made.of-somebody.partial', 'source']);
});
