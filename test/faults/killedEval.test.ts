import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { temporaryFolder } from '../e2e/cli.ts';
import { python } from '../fixtures/python.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** One life of an evaluation. @returns its exit code, or the signal that ended it */
function live(out: string, fault: Record<string, string> = {}): number | string | null {
  const program = ['--import', path('../fixtures/typescript.mjs'), path('../fixtures/dyingEval.ts')];
  const how = ['--suite', 'arithmetic,arithmetic-3', '--limit', '8', '--k', '2', '--set', 'worker.requestSamples=4'];
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    [...program, 'eval', 'mock://rzero', '--preset', 'mock', ...how, '--out', out],
    { env: { ...process.env, RZERO_PYTHON: python(), NODE_OPTIONS: '', ...fault }, encoding: 'utf8' },
  );
  if (status !== 0 && signal !== 'SIGKILL') throw new Error(`it ended with ${status}, ${signal}:\n${stderr}`);
  return signal ?? status;
}

test('an evaluation that is killed over and over, in the midst of a line, ends with the scores that it would have had', () => {
  const [alone, killed] = [join(home.path, 'alone'), join(home.path, 'killed')];
  expect(live(alone)).toBe(0);
  let lives = 1;
  while (live(killed, { RZERO_DIE_AT: String(2 ** lives) }) !== 0) lives += 1;
  expect(lives).toBeGreaterThan(3);
  const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
  expect(read(killed, 'scores.json')).toBe(read(alone, 'scores.json'));
  const lines = (folder: string, name: string) => read(folder, name).split('\n').sort();
  for (const name of ['arithmetic/responses.jsonl', 'arithmetic-3/responses.jsonl', 'arithmetic/marks.jsonl']) {
    // Nothing was drawn or graded twice.
    expect(lines(killed, name)).toEqual(lines(alone, name));
  }
}, 120_000);
