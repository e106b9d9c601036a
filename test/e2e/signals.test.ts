import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { readJournal } from '../../ts/store/journal.ts';
import { python } from '../fixtures/python.ts';
import { temporaryFolder, workersOf } from './cli.ts';

const home = temporaryFolder();
afterAll(() => home.remove());
const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** The real program in a process of its own; something is done to it each time that stderr shows the next cue. */
async function disturbed(
  name: string,
  deeds: readonly { cue: RegExp; deed: (child: ChildProcess, out: string) => void }[],
) {
  const out = join(home.path, name);
  const program = ['--import', path('../fixtures/typescript.mjs'), path('../../ts/cli/main.ts')];
  // Long enough to be hit at work, whatever the machine.
  const long = ['--set', 'challenger.steps=2000', '--out', out];
  const child = spawn(process.execPath, [...program, 'run', '--preset', 'mock', ...long], {
    env: { ...process.env, RZERO_PYTHON: python(), NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  const waiting = [...deeds];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    while (waiting[0]?.cue.test(stderr)) waiting.shift()?.deed(child, out);
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { exitCode, stderr, out };
}

const AT_WORK = /iteration 1 +Challenger 1 from/;

test.each([
  ['SIGINT', 130, 'stopped'],
  ['SIGHUP', 129, 'stopped'],
  ['SIGTERM', 75, 'preempted'],
  ['SIGUSR1', 75, 'preempted'],
] as const)(
  '%s stops the run where it can go on from, and ends with %i',
  async (signal, code, how) => {
    const { exitCode, stderr, out } = await disturbed(signal, [{ cue: AT_WORK, deed: (child) => child.kill(signal) }]);
    expect(stderr).toMatch(/stopping \(once more to stop at once\)\n.*rzero: stopped; go on with: rzero resume/s);
    expect(exitCode).toBe(code);
    expect(JSON.parse(readFileSync(join(out, 'run.json'), 'utf8')).status).toBe(how);
    expect(readJournal(out).entries.at(-1)).toEqual({ type: 'end', how });
    expect(existsSync(join(out, 'summary.json'))).toBe(false);
    expect(workersOf(out)).toEqual([]);
  },
  60_000,
);

test('a second Ctrl-C ends it at once, and no worker stays', async () => {
  const { exitCode, out } = await disturbed('twice', [
    { cue: AT_WORK, deed: (child) => child.kill('SIGINT') },
    { cue: /stopping/, deed: (child) => child.kill('SIGINT') },
  ]);
  expect(exitCode).toBe(130);
  expect(workersOf(out)).toEqual([]);
}, 60_000);

test('a worker that is killed is started again, and the run goes on', async () => {
  const { exitCode, stderr, out } = await disturbed('killed', [
    {
      cue: AT_WORK,
      deed: (_, folder) => {
        for (const pid of workersOf(folder)) process.kill(pid, 'SIGKILL');
      },
    },
    { cue: /started again in.* joined, 1 in all/s, deed: (child) => child.kill('SIGINT') },
  ]);
  expect(stderr).toMatch(/workers: .*worker 1 is started again in 1 s, 1 of 5 times in a row/);
  expect(exitCode).toBe(130);
  expect(workersOf(out)).toEqual([]);
}, 60_000);
