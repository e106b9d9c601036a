import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { cli, temporaryFolder } from '../e2e/cli.ts';
import { python } from '../fixtures/python.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Three iterations, each phase of them with a checkpoint or two, in little time. */
const LONGER = ['iterations=3', 'challenger.steps=3', 'solver.steps=3', 'storage.keepCheckpoints=1'].flatMap((set) => [
  '--set',
  set,
]);

beforeAll(async () => {
  expect((await cli(['run', '--preset', 'mock', ...SMALL_RUN, ...LONGER, '--out', path('alone')])).exitCode).toBe(0);
}, 60_000);

/** One life of the run in a folder: it begins or goes on, and may die after so many entries. */
function live(folder: string, keep: string, dieAfter: number): number | string | null {
  const program = ['--import', here('../fixtures/typescript.mjs'), here('../fixtures/dyingCli.ts')];
  const args = [
    'run',
    '--preset',
    'mock',
    ...SMALL_RUN,
    ...LONGER,
    '--set',
    `storage.keepModels=${keep}`,
    '--out',
    folder,
  ];
  const given = { RZERO_PYTHON: python(), NODE_OPTIONS: '', RZERO_DIE_AFTER: String(dieAfter) };
  const { status, signal } = spawnSync(process.execPath, [...program, ...args], { env: { ...process.env, ...given } });
  return signal ?? status;
}

/** Folders of models and checkpoints that are there, relative to the run. */
function weights(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('/weights.json'))
    .map((name) => name.replace('/weights.json', ''))
    .sort();
}

test.each([
  ['last', 1],
  ['best', 2],
])(
  'a run that keeps the %s models, killed again and again, ends as one that keeps all',
  (keep, most) => {
    const folder = path(keep);
    let deaths = 0;
    // A number of entries that has nothing to do with those of a phase or a step.
    while (live(folder, keep, 17) !== 0) {
      deaths += 1;
      const there = weights(folder);
      const checkpoints = there.filter((name) => name.includes('/checkpoints/'));
      // One that stays, and one that may just have been written.
      expect(checkpoints.length).toBeLessThanOrEqual(2);
      expect(there.length - checkpoints.length).toBeLessThanOrEqual(2 * (most + 1));
    }
    expect(deaths).toBeGreaterThan(3);

    const kept = new Set(weights(folder).map((name) => name.split('/')[0]));
    expect(kept).toContain('iteration-3');
    expect(kept.size).toBeLessThanOrEqual(most);
    const gone = differences(resultDigests(path('alone')), resultDigests(folder));
    expect(gone.filter((name) => !/^iteration-\d\/models\//.test(name) || existsSync(join(folder, name)))).toEqual([]);
    expect(readFileSync(join(folder, 'summary.json'))).toEqual(readFileSync(join(path('alone'), 'summary.json')));
  },
  300_000,
);
