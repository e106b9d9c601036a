import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { exitCodeOf, type HostEnd, serveHost } from '../../../ts/worker/hostWorkers.ts';
import { hostPostsByCount } from '../../../ts/worker/post.ts';
import { commandLine, workerEnvironment } from '../../../ts/worker/spawn.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-host-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Served {
  end: HostEnd;
  told: string[];
  lines: string[];
}

/** Two workers that are shell scripts: `$3` and on are a worker's arguments, its name among them. */
async function serve(
  name: string,
  script: string,
  stop?: { reason: string; at: RegExp; drains: boolean },
): Promise<Served> {
  const program = join(home, name);
  writeFileSync(program, `#!/bin/sh\nfor word; do case $word in host-*) name=$word ;; esac; done\n${script}\n`, {
    mode: 0o755,
  });
  const told: string[] = [];
  const lines: string[] = [];
  const controller = new AbortController();
  const end = await serveHost({
    posts: hostPostsByCount(1, 2),
    python: program,
    backend: 'mock',
    threads: 1,
    endpoint: 'tcp://127.0.0.1:9',
    token: 'secret',
    waitSeconds: 5,
    restarts: 2,
    logs: home,
    say: (text) => told.push(text),
    onLine: (who, line) => {
      lines.push(`${who}: ${line}`);
      if (stop?.at.test(lines.join('\n'))) controller.abort(stop.reason);
    },
    signal: controller.signal,
    drains: () => stop?.drains ?? false,
    drainDeadline: 10_000,
    after: (_, action) => {
      const soon = setImmediate(action);
      return () => clearImmediate(soon);
    },
  });
  return { end, told, lines };
}

describe('the workers of a host', () => {
  test('have finished when the orchestrator has told them so', async () => {
    const { end, lines } = await serve('finished', 'echo working; exit 0');
    expect(end).toEqual({ how: 'finished' });
    expect(lines.toSorted()).toEqual(['host-1-worker-1: working', 'host-1-worker-2: working']);
    expect(readFileSync(join(home, 'host-1-worker-1.log'), 'utf8')).toBe('--- start 1 ---\nworking\n');
  });

  test('are started again when they die, and the others work on', async () => {
    const script = `mark=${home}/died; [ $name = host-1-worker-2 ] && [ ! -e $mark ] && { touch $mark; exit 3; }
while [ ! -e $mark ]; do sleep 0.01; done; [ $name = host-1-worker-2 ] || while [ ! -e ${home}/again ]; do sleep 0.01; done; touch ${home}/again`;
    const { end, told } = await serve('again', script);
    expect(end).toEqual({ how: 'finished' });
    expect(told).toEqual([
      'host-1-worker-2 ended: exit code 3',
      'host-1-worker-2 is started again in 1 s, 1 of 2 times in a row',
    ]);
  });

  test('are given up when all of them end again and again', async () => {
    const { end } = await serve('loop', 'exit 3');
    expect(end).toMatchObject({ how: 'given_up' });
    expect(end.how === 'given_up' && end.error.message).toMatch(/was started again 2 times in a row/);
  });

  test.each([2, 69])('all end where one is refused with %i', async (code) => {
    const { end } = await serve(
      `refused-${code}`,
      `[ $name = host-1-worker-1 ] || exec sleep 60; echo no; exit ${code}`,
    );
    expect(end).toEqual({ how: 'refused', name: 'host-1-worker-1', exitCode: code, output: 'no\n' });
  });

  test('are left to their orchestrator when the machine is wanted back', async () => {
    const stop = { reason: 'SIGTERM', at: /one.*\n.*one/s, drains: true };
    const script = `echo one; while [ ! -e ${home}/told ]; do sleep 0.01; [ $name = host-1-worker-1 ] && touch ${home}/told; done`;
    expect((await serve('drain', script, stop)).end).toEqual({ how: 'finished' });
  });

  test('are ended at once when somebody wants them to', async () => {
    const stop = { reason: 'SIGINT', at: /one.*\n.*one/s, drains: false };
    expect((await serve('stopped', 'echo one; exec sleep 60', stop)).end).toEqual({ how: 'stopped' });
  });

  test('cannot be started without an interpreter', async () => {
    const act = serveHost({
      posts: hostPostsByCount(0, 1),
      python: join(home, 'absent'),
      backend: 'mock',
      threads: 1,
      endpoint: 'tcp://127.0.0.1:9',
      token: '',
      waitSeconds: 5,
      restarts: 2,
      say: () => {},
      onLine: () => {},
      signal: new AbortController().signal,
      drains: () => false,
      drainDeadline: 1,
    });
    await expect(act).rejects.toThrow('cannot run the Python at');
  });
});

test('what torchrun ends with is the code of the process that ended first', () => {
  const report = 'FAILED\nRoot Cause (first observed failure):\n[0]:\n  rank      : 0\n  exitcode  : 69 (pid: 7)\n';
  expect(exitCodeOf({ exitCode: 1, signal: undefined }, report)).toBe(69);
  expect(exitCodeOf({ exitCode: 1, signal: undefined }, 'Traceback')).toBe(1);
  expect(exitCodeOf({ exitCode: 3, signal: undefined }, report)).toBe(3);
});

test("a host's part of a trainer of several is started as that, with its own key", () => {
  const options = {
    ...{ python: 'python', backend: 'torch', role: 'train' as const, processes: 8, threads: 1, token: '' },
    nodes: { count: 2, rank: 1, host: 'node0', port: 29500 },
    endpoint: 'tcp://head:5555',
    dial: { workerId: 'host-1-trainer', waitSeconds: 600, keys: { own: 'a.key', server: 'o.pub' } },
  };
  expect(commandLine(options).join(' ')).toBe(
    'python -m torch.distributed.run --nnodes 2 --node-rank 1 --master-addr node0 --master-port 29500 --nproc-per-node 8 ' +
      '-m rzero_worker --connect tcp://head:5555 --backend torch --roles train --exit-with-stdin ' +
      '--worker-id host-1-trainer --connect-timeout 600 --keys a.key --server-key o.pub',
  );
  expect(workerEnvironment({ ...options, devices: ['host-0/gpu-0', 'host-1/gpu-0'] }, {}).RZERO_DEVICES).toBe(
    'host-0/gpu-0,host-1/gpu-0',
  );
});
