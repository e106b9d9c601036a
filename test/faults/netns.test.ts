import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { keyPaths, makeKeys } from '../../ts/worker/keyFolder.ts';
import { readPublicKey } from '../../ts/worker/keys.ts';
import { cli } from '../e2e/cli.ts';
import { type Host, type TwoHosts, twoHosts, whyNoHosts } from '../fixtures/hosts.ts';
import { python } from '../fixtures/python.ts';
import { SMALL_RUN } from '../fixtures/smallRun.ts';

jest.setTimeout(60_000);

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const RZERO = ['--import', path('../fixtures/typescript.mjs'), path('../../ts/cli/main.ts')];
const RUN = ['run', '--preset', 'mock', ...SMALL_RUN];

/** Exit code of a worker that no orchestrator wants. */
const UNAVAILABLE = 69;

/** A program on one of the hosts, and all that it prints. */
class Program {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  /** With a blank for each line's end: sentences are wrapped. */
  output = '';
  private onOutput = (): void => {};

  constructor(host: Host, program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    const [first = '', ...rest] = [...host.inside, program, ...args];
    const child = spawn(first, rest, {
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output += text.replace(/\s+/g, ' ');
        this.onOutput();
      });
    }
    this.child = child;
    this.exitCode = once(child, 'close').then(([code]) => code);
  }

  /** Resolves when it has printed something like it. @throws Error when it ends before */
  async printed(pattern: RegExp): Promise<void> {
    let ended = false;
    void this.exitCode.then(() => {
      ended = true;
      this.onOutput();
    });
    while (!pattern.test(this.output)) {
      if (ended) throw new Error(`it ended without ${pattern}:\n${this.output}`);
      await new Promise<void>((resolve) => {
        this.onOutput = resolve;
      });
    }
  }
}

const why = whyNoHosts();
if (why !== undefined) process.stderr.write(`test/faults/netns.test.ts is skipped: ${why}\n`);

(why === undefined ? describe : describe.skip)('an orchestrator on host a and a worker on host b, over CURVE', () => {
  let folder: string;
  let hosts: TwoHosts;
  let programs: Program[];
  /** What comes of the run with one worker that the orchestrator starts itself. */
  let expected: string;

  beforeAll(async () => {
    const home = mkdtempSync(join(tmpdir(), 'rzero-hosts-'));
    const { exitCode } = await cli([...RUN, '--out', join(home, 'alone')]);
    expect(exitCode).toBe(0);
    expected = readFileSync(join(home, 'alone', 'summary.json'), 'utf8');
    rmSync(home, { recursive: true });
  });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rzero-hosts-'));
    makeKeys(join(folder, 'keys'), ['host-a', 'host-b']);
    programs = [];
    hosts = await twoHosts();
  });

  afterEach(async () => {
    for (const { child } of programs) child.kill('SIGKILL');
    await Promise.all(programs.map(({ exitCode }) => exitCode));
    await hosts.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function begin(host: Host, program: string, args: readonly string[], env: NodeJS.ProcessEnv): Program {
    const begun = new Program(host, program, args, env);
    programs.push(begun);
    return begun;
  }

  /** `rzero run` on host a, once it listens. */
  async function orchestrate(...more: string[]): Promise<Program> {
    const worker = ['listen=tcp://10.77.0.1:5555', `keys=${join(folder, 'keys')}`, 'count=0', 'expect=2', ...more];
    const options = worker.flatMap((set) => ['--set', `worker.${set}`]);
    const args = [...RZERO, ...RUN, ...options, '--out', join(folder, 'run')];
    const run = begin(hosts.a, process.execPath, args, { RZERO_PYTHON: python() });
    await run.printed(/worker.*tcp:\/\/10\.77\.0\.1:5555/);
    return run;
  }

  /** A worker on a host, as a person there would start it. */
  function work(host: Host, name: string, flags: readonly string[] = [], from = 'keys', server = 'keys'): Program {
    const mine = keyPaths(join(folder, from));
    const { orchestratorPublic } = keyPaths(join(folder, server));
    const keys = ['--worker-id', name, '--keys', mine.workerKey(name), '--server-key', orchestratorPublic];
    const args = ['-m', 'rzero_worker', '--connect', 'tcp://10.77.0.1:5555', '--backend', 'mock', ...keys, ...flags];
    return begin(host, python(), args, { PYTHONPATH: path('../../py_worker') });
  }

  async function completes(run: Program): Promise<void> {
    const exitCode = await run.exitCode;
    expect({ exitCode, output: exitCode === 0 ? '' : run.output }).toEqual({ exitCode: 0, output: '' });
    expect(readFileSync(join(folder, 'run', 'summary.json'), 'utf8')).toBe(expected);
  }

  test('come to the result of one host, and let in nobody who shows another key', async () => {
    makeKeys(join(folder, 'others'), ['host-b']);
    const run = await orchestrate();
    // Strangers first: the run begins, and ends, with them at the door.
    const stranger = work(hosts.b, 'host-b', ['--connect-timeout', '1'], 'others');
    const misled = work(hosts.b, 'host-b', ['--connect-timeout', '1'], 'keys', 'others');
    const unknown = readPublicKey(join(folder, 'others', 'allowed', 'host-b.pub'));
    await run.printed(/a peer was turned away: its public key .* it dialled from/);
    expect(run.output).toContain(
      `its public key ${unknown.slice(0, 12)}... is not among the allowed ones; it dialled from 10.77.0.2`,
    );
    await run.printed(/a peer was turned away: it did not shake hands as it should/);
    for (const refused of [stranger, misled]) {
      expect(await refused.exitCode).toBe(UNAVAILABLE);
      expect(refused.output).toMatch(/no welcome from .*is the key in --server-key that orchestrator's/);
    }
    work(hosts.a, 'host-a');
    work(hosts.b, 'host-b');
    await completes(run);
    expect(run.output).toMatch(/host-a joined/);
    expect(run.output).toMatch(/host-b joined/);
  });

  test('lose each other in the midst of sampling, and go on when the cable is back', async () => {
    const run = await orchestrate('silenceSeconds=2', 'returnSeconds=60');
    work(hosts.a, 'host-a', ['--roles', 'train']);
    const sampler = work(hosts.b, 'host-b', ['--roles', 'sample', '--fault', 'stop@sample:3']);
    await sampler.printed(/fault on purpose: stop@sample:3/);
    hosts.cut();
    sampler.child.kill('SIGCONT');
    await run.printed(/host-b lost its connection/);
    hosts.mend();
    await completes(run);
    expect(run.output).toMatch(/host-b is back/);
    expect(run.output).not.toMatch(/is gone/);
  });

  test('lose each other for good in the midst of training: the other goes on from what is on record', async () => {
    const run = await orchestrate('silenceSeconds=2', 'returnSeconds=1');
    const trainer = work(hosts.b, 'host-b', ['--fault', 'stop@optim_step:2']);
    await run.printed(/host-b joined/);
    work(hosts.a, 'host-a');
    await trainer.printed(/fault on purpose: stop@optim_step:2/);
    hosts.cut();
    trainer.child.kill('SIGCONT');
    await completes(run);
    expect(run.output).toMatch(/host-b is gone, 1 left: the worker host-b is given up: it sent nothing for 2 s/);
  });
});
