import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { differences, resultDigests } from '../../ts/bench/result.ts';
import { startWorker } from '../../ts/worker/startWorker.ts';
import { cli, temporaryFolder } from '../e2e/cli.ts';
import type { DiskFault } from '../fixtures/failingDisk.ts';
import { python } from '../fixtures/python.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => join(home.path, name);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const RUN = ['run', '--preset', 'mock', ...SMALL_RUN, '--out'];

beforeAll(async () => {
  expect((await cli([...RUN, path('alone')])).exitCode).toBe(0);
}, 60_000);

/** The program in a process of its own, on a disk with a fault. */
function onDisk(fault: DiskFault, args: readonly string[]): SpawnSyncReturns<string> {
  const program = ['--import', here('../fixtures/typescript.mjs'), here('../fixtures/failingDisk.ts')];
  const given = { RZERO_PYTHON: python(), NODE_OPTIONS: '', RZERO_DISK_FAULT: JSON.stringify(fault) };
  return spawnSync(process.execPath, [...program, ...args], { env: { ...process.env, ...given }, encoding: 'utf8' });
}

/** What a shell does in a place of its own for mounts, where RUN and RESUME are the program; in the end it is unmounted. */
function withMounts(script: string): SpawnSyncReturns<string> {
  const words = (args: readonly string[]) => args.map((arg) => `'${arg}'`).join(' ');
  const program = [process.execPath, '--import', here('../fixtures/typescript.mjs'), here('../../ts/cli/main.ts')];
  const given = { RZERO_PYTHON: python(), NODE_OPTIONS: '' };
  const functions = `RUN() { ${words([...program, ...RUN])} "$@"; }\nRESUME() { ${words([...program, 'resume'])} "$@"; }`;
  return spawnSync('unshare', ['-Urm', 'bash', '-c', `${functions}\n${script}`], {
    env: { ...process.env, ...given },
    encoding: 'utf8',
  });
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

test('a disk that is still full when the run is to go on says so again', async () => {
  expect((await cli([...RUN, path('still')], { stopAt: /Challenger 1 from/ })).exitCode).toBe(130);
  const fault: DiskFault = { file: 'journal/0002.jsonl$', call: 'writeSync', code: 'ENOSPC' };
  const { status, stderr } = onDisk(fault, ['resume', path('still')]);
  expect(status).toBe(74);
  expect(stderr).toMatch(/^rzero: ENOSPC: .* '\S+journal\/0002\.jsonl': \d+(\.\d)? [KMG]iB are free in \S+\n$/);
  await expectGoesOn('still');
}, 60_000);

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

describe('a real disk', () => {
  const mount = `mount -t tmpfs -o size=100k tmpfs '${home.path}'`;
  const mounts = withMounts(mount).status === 0;
  // Containers often allow no user namespaces, and other systems than Linux have none.
  const onTmpfs = mounts ? test : test.skip;
  const title = (text: string) => (mounts ? text : `${text} (skipped: no file system can be mounted here)`);

  // From the first checkpoint to the last phase, whatever is written there.
  onTmpfs.each([110, 150, 400, 600, 900])(
    title('of %i KiB is full: the run stops, leaves no half of anything, and goes on when there is room'),
    (kib) => {
      const [disk, out] = [path(`disk-${kib}`), path(`tmpfs-${kib}`)];
      mkdirSync(disk);
      const { stdout, stderr } = withMounts(`
        mount -t tmpfs -o size=${kib}k tmpfs '${disk}'
        RUN '${disk}/run' >&2; echo "run $?"
        find '${disk}' -name '*.tmp' -o -name '.?*'
        mount -o remount,size=100m '${disk}'
        RESUME '${disk}/run' >&2; echo "resume $?"
        cp -r '${disk}/run' '${out}'`);
      expect({ stdout, stderr }).toMatchObject({ stdout: 'run 74\nresume 0\n' });
      expect(stderr).toMatch(
        /\nrzero: .*(ENOSPC|Errno 28).*: \d+(\.\d)? [KMG]iB are free in \S+\nWhat is on record is safe.* rzero resume \S+\n/,
      );
      expectAsAlone(`tmpfs-${kib}`);
    },
    60_000,
  );

  onTmpfs(
    title('that became read-only is named, and the run goes on when it can be written again'),
    () => {
      const [disk, out] = [path('read-only'), path('written')];
      mkdirSync(disk);
      const { stdout, stderr } = withMounts(`
        mount -t tmpfs -o size=600k tmpfs '${disk}'
        RUN '${disk}/run' >&2; echo "run $?"
        mount -o remount,ro,size=100m '${disk}'
        RESUME '${disk}/run' >&2; echo "resume $?"
        mount -o remount,rw '${disk}'
        RESUME '${disk}/run' >&2; echo "resume $?"
        cp -r '${disk}/run' '${out}'`);
      expect({ stdout, stderr }).toMatchObject({ stdout: 'run 74\nresume 74\nresume 0\n' });
      expect(stderr).toMatch(/\nrzero: EROFS: read-only file system, open '\S+journal\/0002.jsonl'\n/);
      expectAsAlone('written');
    },
    60_000,
  );

  test.each([8, 64])(
    'whose files may have %i KiB: what is too large is named, and the run goes on without the limit',
    async (kib) => {
      const name = `limit-${kib}`;
      const program = [here('../fixtures/typescript.mjs'), here('../../ts/cli/main.ts'), ...RUN, path(name)];
      const { status, stderr } = spawnSync(
        'bash',
        ['-c', `ulimit -f ${kib} && exec "$0" --import "$@"`, process.execPath, ...program],
        { env: { ...process.env, RZERO_PYTHON: python(), NODE_OPTIONS: '' }, encoding: 'utf8' },
      );
      expect({ status, stderr }).toMatchObject({ status: 74 });
      expect(stderr).toMatch(/\nrzero: .*(EFBIG: file too large|Errno 27).*\nWhat is on record is safe/);
      await expectGoesOn(name);
    },
    60_000,
  );
});

describe('a disk that is slow', () => {
  test('stops this process for longer than a worker may be silent or stand still, and none counts as lost', async () => {
    const limit = 400;
    const worker = await startWorker({
      python: python(),
      backend: 'mock',
      threads: 1,
      program: ['-m', 'rzero_worker', '--fault', 'slow@load_model:1'],
      patience: {
        heartbeat: 50,
        silence: limit,
        reconnect: 1,
        deadlines: { load: limit, sample: limit, train: limit, save: limit },
      },
    });
    try {
      const loading = worker.loadModel({ modelId: 'm', source: 'mock://rzero', trainable: true, seed: 1 });
      while ((await worker.ping({})).busy !== 'load_model');
      // As an fsync that takes its time: nothing of this process goes on meanwhile.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3 * limit);
      await loading;
      expect(await worker.ping({})).toMatchObject({ busy: '' });
    } finally {
      await worker.close().catch(() => {});
    }
  }, 30_000);
});

test('a checkpoint that the worker cannot write leaves the one before it, which the run goes on from', async () => {
  const more = ['--set', 'challenger.steps=3', '--set', 'iterations=1'];
  expect((await cli([...RUN, path('three'), ...more])).exitCode).toBe(0);
  const run = path('unwritten');
  // Workers inherit it.
  process.env.RZERO_FAULT = 'io@save_checkpoint:2';
  const { exitCode, err } = await cli([...RUN, run, ...more]);
  delete process.env.RZERO_FAULT;
  expect({ exitCode, err }).toMatchObject({ exitCode: 74 });
  expect(err).toMatch(/\nrzero: .*\nWhat is on record is safe.* rzero resume \S+unwritten\n$/);
  const checkpoint = (step: number) => readdirSync(join(run, `iteration-1/checkpoints/challenger-00${step}`));
  expect([checkpoint(1), checkpoint(2)]).toEqual([['challenger'], []]);

  const resumed = await cli(['resume', run]);
  expect(resumed).toMatchObject({ exitCode: 0, err: expect.stringMatching(/after step 1\D/) });
  expect(differences(resultDigests(path('three')), resultDigests(run))).toEqual([]);
}, 60_000);

describe('something else in the place of a file', () => {
  /** A run that was stopped in its second phase, with something in the way. */
  async function obstructed(name: string, file: string, put: (at: string) => void) {
    const stopped = await cli([...RUN, path(name)], { stopAt: /Challenger 1 from/ });
    expect(stopped.exitCode).toBe(130);
    const at = join(path(name), file);
    const aside = join(home.path, `${name}-aside`);
    if (existsSync(at)) renameSync(at, aside);
    mkdirSync(dirname(at), { recursive: true });
    put(at);
    const { exitCode, err } = await cli(['resume', path(name)]);
    rmSync(at, { recursive: true });
    if (existsSync(aside)) renameSync(aside, at);
    return { exitCode, err };
  }

  const folder = (at: string) => mkdirSync(join(at, 'full'), { recursive: true });
  const file = (at: string) => writeFileSync(at, '');

  test.each<[string, string, (at: string) => void, RegExp]>([
    ['records', 'iteration-1/challenger/step-001.jsonl', folder, /EISDIR|ENOTEMPTY|EEXIST/],
    ['objects', 'objects', file, /ENOTDIR|EEXIST/],
    ['segments', 'journal/0001.jsonl', folder, /EISDIR/],
    ['checkpoints', 'iteration-1/checkpoints', file, /ENOTDIR|EEXIST/],
  ])(
    '%s: what cannot be read or written is named, and the run goes on when it is there again',
    async (...row) => {
      const [name, at, put, code] = row;
      const { exitCode, err } = await obstructed(name, at, put);
      expect({ exitCode, err }).toMatchObject({ exitCode: 74 });
      expect(err).toMatch(new RegExp(`rzero: (${code.source}): .*${at.split('/')[0]}`));
      await expectGoesOn(name);
    },
    60_000,
  );
});
