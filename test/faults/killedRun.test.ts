import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import type { JournalEntry } from '../../ts/ports/journal.ts';
import { readJournal } from '../../ts/store/journal.ts';
import { temporaryFolder } from '../e2e/cli.ts';
import { python } from '../fixtures/python.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** One life of the run in a folder: it begins or goes on. @returns its exit code, or the signal that ended it */
function live(folder: string, fault: Record<string, string> = {}): number | string | null {
  const program = ['--import', path('../fixtures/typescript.mjs'), path('../fixtures/dyingCli.ts')];
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    [...program, 'run', '--preset', 'mock', ...SMALL_RUN, '--out', folder],
    { env: { ...process.env, RZERO_PYTHON: python(), NODE_OPTIONS: '', ...fault }, encoding: 'utf8' },
  );
  if (status !== 0 && signal !== 'SIGKILL') throw new Error(`it ended with ${status}, ${signal}:\n${stderr}`);
  return signal ?? status;
}

const NO_ACTIVITY = { tokens: 0, deviceSeconds: 0, busySeconds: 0 };

/** What the journal says of the work, in order: without times, and without who did it. */
function work(folder: string): JournalEntry[] {
  return readJournal(folder).entries.flatMap((entry) => {
    if (['end', 'workers', 'recovery'].includes(entry.type)) return [];
    return [entry.type === 'done' ? { ...entry, seconds: 0, activity: NO_ACTIVITY } : entry];
  });
}

test('a run whose orchestrator is killed at every entry of its journal ends as if it had not been', () => {
  const alone = join(home.path, 'alone');
  expect(live(alone)).toBe(0);
  const killed = join(home.path, 'killed');
  let lives = 1;
  // Every life adds one entry; every other one dies before the next is written, every other one right after.
  while (live(killed, lives % 2 === 0 ? { RZERO_DIE_AFTER: '1' } : { RZERO_DIE_BEFORE: '2' }) !== 0) lives += 1;
  expect(lives).toBeGreaterThanOrEqual(work(alone).length);
  expect(differences(resultDigests(alone), resultDigests(killed))).toEqual([]);
  expect(readFileSync(join(killed, 'summary.json'))).toEqual(readFileSync(join(alone, 'summary.json')));
  expect(work(killed)).toEqual(work(alone));
}, 300_000);
