import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeWhole } from '../../../ts/store/files.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'rzero-files-'));
});
afterEach(() => rmSync(home, { recursive: true }));

test('writes into folders that are not there yet, and replaces what is there', () => {
  const path = join(home, 'a', 'b.json');
  writeWhole(path, 'old');
  writeWhole(path, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(join(home, 'a'))).toEqual(['b.json']);
});

test('where only a part fits, that is an error: the old file stays whole, and nothing else is left', () => {
  const path = join(home, 'summary.json');
  writeFileSync(path, 'old');
  const fixture = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
  // A file may have 8 KiB here; a write beyond it is cut short first, and refused only when asked again.
  const command = `ulimit -f 8 && exec "$0" --import "$1" "$2" 100 "$3"`;
  const args = [process.execPath, fixture('typescript.mjs'), fixture('writeWhole.ts'), path];
  const { status, stderr } = spawnSync('bash', ['-c', command, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(stderr).toMatch(/EFBIG/);
  expect(status).not.toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(home)).toEqual(['summary.json']);
});
