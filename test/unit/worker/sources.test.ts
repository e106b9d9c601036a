import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../../../ts', import.meta.url));

/** Files below a folder of ts/ in which a pattern occurs, by their path there. */
function filesWith(pattern: RegExp, folder = ''): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
  return files
    .map((file) => join(folder, file))
    .filter((file) => /\.(ts|mjs)$/.test(file) && pattern.test(readFileSync(join(ROOT, file), 'utf8')))
    .sort();
}

test('deadlines of workers know no clock that somebody can set: a jump of the date expires nothing', () => {
  expect(filesWith(/\bDate\b/, 'worker')).toEqual([]);
  expect(filesWith(/performance\.now\(\)/, 'worker')).toContain('worker/session.ts');
});

test('processes are signalled by their id in few places, each for a group or a child of its own; 0 is no signal', () => {
  expect(filesWith(/process\.kill\((?!'SIG|pid, 0\))/)).toEqual([
    'bench/chaos/disturb.ts',
    'setup/run.mjs',
    'worker/processGroup.ts',
  ]);
  expect(filesWith(/pkill|killall/)).toEqual([]);
});
