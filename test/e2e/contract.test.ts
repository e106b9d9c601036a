import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { runCli } from '../../ts/cli/program.ts';
import { python } from '../fixtures/python.ts';
import { cli } from './cli.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** One of each kind; test/contract runs them all. */
const SOME = ['hello', 'greedy', 'forward-scores-samples', 'ids-increase', 'shutdown'];
const ROOT = path('../..');
const BROKEN = [
  ...['contract', '--worker', `'${python()}' test/fixtures/workers/wrong_logprobs.py`],
  ...['--source', 'mock://babble', '--only', 'hello', 'forward-scores-samples', 'texts'],
];

test('the mock keeps the promises', async () => {
  const { exitCode, out, err } = await cli(['contract', '--worker', 'mock', '--only', ...SOME]);
  expect(err).toBe('');
  expect(out).toMatch(/^The worker contract: backend mock \(python 3.*offers sample, train\n5 cases, model mock:/);
  expect(out).toMatch(/✓ greedy is the same whatever the seed, and topK 1 is greedy {2}\d+ ms\n/);
  expect(out).toMatch(/\n5 passed, 0 failed in \d+\.\d s\n$/);
  expect(exitCode).toBe(0);
}, 60_000);

test('a worker with wrong log-probs is found out', async () => {
  const skip = ['--skip', 'texts=no tokenizer yet'];
  const { exitCode, out } = await cli([...BROKEN, ...skip], { workingFolder: ROOT });
  expect(exitCode).toBe(76);
  expect(out).toMatch(/✓ the worker says what it is/);
  expect(out).toMatch(/✗ forward gives the log-probs that sampling reported/);
  expect(out).toMatch(/promise {4}The log-probs of a sample are those of the distribution drawn from/);
  expect(out).toMatch(/ forward {modelId: "forward-scores-samples-0", tokens: Int32\[\d+\] \(/);
  expect(out).toMatch(/looked at {2}log-probs that sample reported at temperature 1/);
  expect(out).toMatch(/came back {2}-\d\.\d+, which is 0\.5\d* apart/);
  expect(out).toMatch(/read {7}proto\/protocol\.yml, structs\.Sampling/);
  expect(out).toMatch(/- texts decode .* skipped: no tokenizer yet/);
  expect(out).toMatch(/\n1 passed, 1 failed, 1 skipped in/);
}, 60_000);

test('--json is one document on stdout, and the report goes to stderr', async () => {
  const { exitCode, out, err } = await cli([...BROKEN, '--json'], { workingFolder: ROOT });
  expect(exitCode).toBe(76);
  const report = JSON.parse(out);
  expect(report).toMatchObject({ passed: 2, failed: 1, skipped: 0, notRun: 0, worker: { backend: 'mock' } });
  expect(out).not.toContain('"token"');
  expect(report.cases.map(({ id, status }: { id: string; status: string }) => `${id} ${status}`)).toEqual([
    'hello passed',
    'texts passed',
    'forward-scores-samples failed',
  ]);
  expect(report.cases[2].failure).toMatchObject({ actual: expect.stringContaining('0.5'), sent: expect.any(Array) });
  expect(err).toMatch(/2 passed, 1 failed/);
}, 60_000);

test('a worker that dials in keeps the promises; a case for which it would have to be started is skipped', async () => {
  let worker: ReturnType<typeof spawn> | undefined;
  let [out, err] = ['', ''];
  const flags = ['--listen', 'tcp://127.0.0.1:*', '--source', 'mock://babble', '--only', ...SOME];
  const screen = { live: false, colour: false, width: () => 100 };
  const exitCode = await runCli(['contract', ...flags], {
    out: (text) => {
      out += text;
    },
    err(text) {
      err += text;
      const command = /RZERO_TOKEN=(\w+) MY-WORKER (--connect \S+)/.exec(err);
      if (command === null || worker !== undefined) return;
      const args = ['-m', 'rzero_worker', ...(command[2] as string).split(' '), '--backend', 'mock'];
      const env = { ...process.env, RZERO_TOKEN: command[1], PYTHONPATH: path('../../py_worker') };
      worker = spawn(python(), args, { env, stdio: 'ignore' });
    },
    send: async () => true,
    input: () => Readable.from([]),
    screen,
    page: screen,
    env: { ...process.env, RZERO_TOKEN: '' },
    workingFolder: process.cwd(),
    signal: new AbortController().signal,
  });
  expect(err).toMatch(/^Waiting 300 s for one worker on tcp:\/\/127\.0\.0\.1:\d+\. Start it with this token/);
  expect(out).toMatch(/- a request whose id is not above .* skipped: it takes a worker that can be started/);
  expect(out).toMatch(/\n4 passed, 0 failed, 1 skipped in/);
  expect(exitCode).toBe(0);
  const ended = await new Promise((resolve) =>
    worker?.exitCode == null ? worker?.on('exit', resolve) : resolve(worker.exitCode),
  );
  expect(ended).toBe(0);
}, 60_000);

test.each([
  ['without a source', ['--worker', './mine'], 2, /^rzero: --source MODEL is required/],
  [
    'that cannot be run',
    ['--worker', './no-such-worker', '--source', 'x'],
    69,
    /^rzero: cannot run \.\/no-such-worker/,
  ],
  ['that says nothing', ['--listen', 'tcp://127.0.0.1:*', '--source', 'x', '--wait', '0.2'], 69, /no worker connected/],
])('a worker %s is one error', async (_, flags, code, message) => {
  const { exitCode, out, err } = await cli(['contract', ...flags]);
  expect(exitCode).toBe(code);
  expect(out).toBe('');
  expect(err).toMatch(message);
});

test('Ctrl-C ends it, and the worker with it', async () => {
  const only = ['--only', 'ping-during-forward_backward', '--json'];
  const { exitCode, out, err } = await cli(['contract', '--worker', 'mock', ...only], { stopAt: /1 cases?, model/ });
  expect(exitCode).toBe(130);
  expect(out).toBe('');
  expect(err).toMatch(/rzero: stopped; the worker has been ended\n$/);
}, 60_000);
