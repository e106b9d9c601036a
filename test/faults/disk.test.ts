import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { cli, temporaryFolder } from '../e2e/cli.ts';
import type { DiskFault } from '../fixtures/failingDisk.ts';
import { python } from '../fixtures/python.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Two iterations, each phase of them, in little time. */
const SMALL = [
  'challenger.steps=2',
  'challenger.rollouts=4',
  'challenger.miniBatch=4',
  'questions.candidates=8',
  'solver.steps=2',
  'solver.prompts=2',
  'solver.rollouts=2',
  'solver.miniBatch=4',
  'evaluation.problems=2',
].flatMap((set) => ['--set', set]);
const RUN = ['run', '--preset', 'mock', ...SMALL, '--out'];

beforeAll(async () => {
  expect((await cli([...RUN, path('alone')])).exitCode).toBe(0);
}, 60_000);

/** The program in a process of its own, on a disk with a fault. */
function onDisk(fault: DiskFault, args: readonly string[]): SpawnSyncReturns<string> {
  const program = ['--import', here('../fixtures/typescript.mjs'), here('../fixtures/failingDisk.ts')];
  const given = { RZERO_PYTHON: python(), NODE_OPTIONS: '', RZERO_DISK_FAULT: JSON.stringify(fault) };
  return spawnSync(process.execPath, [...program, ...args], { env: { ...process.env, ...given }, encoding: 'utf8' });
}

function expectAsAlone(name: string): void {
  expect(differences(resultDigests(path('alone')), resultDigests(path(name)))).toEqual([]);
  expect(readFileSync(join(path(name), 'summary.json'))).toEqual(readFileSync(join(path('alone'), 'summary.json')));
}

/** The disk is mended, and the run goes on to the end that it would have had. */
async function expectGoesOn(name: string): Promise<void> {
  const { exitCode, err } = await cli(['resume', path(name)]);
  expect({ exitCode, err }).toMatchObject({ exitCode: 0, err: expect.stringMatching(/^Attempt \d+ at /) });
  expectAsAlone(name);
}

describe('a file of the run that cannot be written stops it before anything rests upon it', () => {
  const cases: [string, DiskFault][] = [
    ['the journal is full', { file: 'journal/0001.jsonl$', call: 'writeSync', code: 'ENOSPC', from: 9 }],
    ['the journal cannot be made durable', { file: 'journal/0001.jsonl$', call: 'fsyncSync', code: 'EIO', from: 3 }],
    ['an object is beyond the quota', { file: 'objects/../', call: 'writeSync', code: 'EDQUOT', from: 7 }],
    ['an object cannot be made durable', { file: 'objects/../', call: 'fsyncSync', code: 'EIO', from: 5 }],
    ['records are full', { file: 'questions.jsonl', call: 'writeSync', code: 'ENOSPC' }],
    ['records cannot be made durable', { file: 'challenger/step-002', call: 'fsyncSync', code: 'EIO' }],
    ['records cannot get their name', { file: 'problems.jsonl', call: 'renameSync', code: 'EIO' }],
    ['run.json is full at the start', { file: 'run.json', call: 'writeFileSync', code: 'ENOSPC' }],
    ['run.json is full at the end', { file: 'run.json', call: 'writeFileSync', code: 'ENOSPC', from: 2 }],
    ['the configuration is full', { file: 'config.yml', call: 'writeFileSync', code: 'ENOSPC' }],
    ['the summary is full', { file: 'summary.json', call: 'writeFileSync', code: 'ENOSPC' }],
  ];

  test.each(cases)(
    '%s',
    async (title, fault) => {
      const name = title.replaceAll(/\W/g, '-');
      const { status, stderr } = onDisk(fault, [...RUN, path(name)]);
      expect({ status, stderr }).toMatchObject({ status: 74 });
      // One message: the file, the reason, what is free, and how to go on.
      const [, file, free = '', hint] =
        new RegExp(`rzero: ${fault.code}: .*, \\w+ '(.*?)'(: .*)?\\n(.*)\\n$`).exec(stderr) ?? [];
      expect(file).toMatch(new RegExp(fault.file));
      expect(free !== '').toBe(fault.code !== 'EIO');
      expect(free).toMatch(/^$| are free in \//);
      expect(hint).toBe(`What is on record is safe. When that is mended, go on with: rzero resume ${path(name)}`);
      expect(existsSync(join(path(name), 'summary.json'))).toBe(false);
      await expectGoesOn(name);
    },
    60_000,
  );

  test('a disk that is full from the start leaves nothing to go on with, and says so', () => {
    const fault: DiskFault = { file: 'journal/0001.jsonl$', call: 'writeSync', code: 'ENOSPC' };
    const { status, stderr } = onDisk(fault, [...RUN, path('nothing')]);
    expect(status).toBe(74);
    expect(stderr).toMatch(/\nNothing was done yet: when that is mended, remove \S+nothing and start the run again\n$/);
    rmSync(path('nothing'), { recursive: true });
    const readOnly = onDisk({ file: 'nothing', call: 'mkdirSync', code: 'EROFS' }, [...RUN, path('nothing')]);
    expect(readOnly).toMatchObject({ status: 74, stderr: expect.stringMatching(/^rzero: EROFS: .* '\S+nothing'\n$/) });
  }, 60_000);
});

describe('a file that is for people alone does not stop the run', () => {
  test.each<[string, DiskFault, RegExp | undefined]>([
    ['metrics', { file: 'metrics.jsonl', call: 'appendFileSync', code: 'ENOSPC' }, /metrics\.jsonl cannot be written/],
    ['log', { file: 'worker.log', call: 'writeSync', code: 'EIO' }, /worker\.log cannot be written/],
    ['lease', { file: 'lease.json', call: 'writeSync', code: 'ENOSPC' }, undefined],
  ])(
    '%s',
    (name, fault, warning) => {
      const { status, stderr } = onDisk(fault, [...RUN, path(name)]);
      expect({ status, stderr }).toMatchObject({ status: 0 });
      if (warning !== undefined) expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(warning);
      expectAsAlone(name);
    },
    60_000,
  );
});
