import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnWorker, type WorkerProcess } from '../../ts/worker/spawn.ts';
import { python } from '../fixtures/python.ts';
import { cli, temporaryFolder } from './cli.ts';

interface Finding {
  subject: string;
  id: string;
  status: string;
  found: string;
  hint?: string;
  kind?: string;
}

let folder: ReturnType<typeof temporaryFolder>;

beforeEach(() => {
  folder = temporaryFolder();
});

afterEach(() => {
  folder.remove();
});

/** Run it with --json. */
async function doctor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const result = await cli(['doctor', ...args, '--json'], { workingFolder: folder.path, env });
  const document = JSON.parse(result.out);
  const of = (id: string, subject?: string): Finding | undefined =>
    document.checks.find((finding: Finding) => finding.id === id && (subject ?? finding.subject) === finding.subject);
  return { ...result, document, of, failed: document.checks.filter((finding: Finding) => finding.status === 'failed') };
}

const MOCK = ['--preset', 'mock'];

async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('the mock: one document, nothing fails, and nothing is left behind', async () => {
  const { exitCode, document, failed, of } = await doctor(MOCK);
  expect({ exitCode, failed }).toEqual({ exitCode: 0, failed: [] });
  expect(of('worker', 'started here')).toMatchObject({ status: 'ok', found: expect.stringContaining('mock') });
  expect(of('packages', 'started here')?.status).toBe('ok');
  expect(of('model-there', 'started here')).toMatchObject({ status: 'ok', found: expect.stringContaining('template') });
  expect(of('file-system')?.status).not.toBe('failed');
  expect(document.workers).toHaveLength(1);
  expect(document.workers[0].machine.host).toBe(document.machine.host);
  expect(document.workers[0].hello).not.toHaveProperty('token');
  expect(readdirSync(folder.path)).toEqual([]);
});

test('the embedded preset, as people read it', async () => {
  const { exitCode, out, err } = await cli(['doctor'], { workingFolder: folder.path });
  expect({ exitCode, err }).toEqual({ exitCode: 0, err: '' });
  for (const said of [
    /^The run\n✓ Model {21}embedded: /,
    /\n✓ Fit {23}one worker computes on the CPU|\n✓ Fit {23}\d+ x /,
    /\n\nThis machine\n✓ Node\.js {19}\d+\./,
    /\n. Python packages {11}.*torch/,
    /\n\nWorkers\n. started here {14}torch, /,
    /\n\d+ ok, (\d+ warnings?, )?0 failed, \d+ skipped in \d+\.\d s\n$/,
  ]) {
    expect(out).toMatch(said);
  }
});

describe('what is broken is told, with a code of its kind', () => {
  test('a Python that is none', async () => {
    const { exitCode, failed, of } = await doctor([], { RZERO_PYTHON: '/nowhere/python' });
    expect(exitCode).toBe(69);
    expect(failed).toMatchObject([{ id: 'python', hint: expect.stringContaining('RZERO_PYTHON') }]);
    expect(of('worker')).toMatchObject({ status: 'skipped' });
  });

  test('a model folder that is absent', async () => {
    const { exitCode, failed } = await doctor(['--model', './absent'], { RZERO_PYTHON: '/nowhere/python' });
    expect(exitCode).toBe(78);
    expect(failed[0]).toMatchObject({ id: 'model', found: './absent is no folder here, and no name on the hub' });
  });

  test('a port that is taken', async () => {
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const address = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const { exitCode, failed } = await doctor([...MOCK, '--set', `worker.listen=${address}`], { RZERO_TOKEN: 'x' });
      expect(exitCode).toBe(69);
      expect(failed).toMatchObject([{ id: 'port', found: expect.stringContaining('in use') }]);
    } finally {
      server.close();
    }
  });

  test('an address of the network without keys', async () => {
    const env = { RZERO_TOKEN: 'x' };
    const { exitCode, failed } = await doctor([...MOCK, '--set', 'worker.listen=tcp://0.0.0.0:5999'], env);
    expect(exitCode).toBe(78);
    expect(failed).toMatchObject([{ id: 'port', hint: expect.stringContaining('rzero keys') }]);
  });

  test('a key that others can read', async () => {
    await cli(['keys', 'keys', '--name', 'box'], { workingFolder: folder.path });
    const key = join(folder.path, 'keys', 'workers', 'box.key');
    chmodSync(key, 0o644);
    const { exitCode, failed, of } = await doctor([
      ...MOCK,
      ...['--set', 'worker.listen=tcp://0.0.0.0:5999', '--set', 'worker.keys=keys'],
    ]);
    expect(exitCode).toBe(78);
    expect(failed).toMatchObject([{ id: 'keys', hint: `chmod 600 ${key}` }]);
    expect(of('port')?.status).toBe('skipped');
  });

  test('GPUs that torch was not built for', async () => {
    const path = join(folder.path, 'nvidia-smi');
    const lines = ['0, GPU-0, NVIDIA H100 80GB HBM3, 81559', 'NVIDIA H100 80GB HBM3, GPU-0, 81559, 20000'];
    writeFileSync(path, `#!/bin/sh\ncase "$*" in *index*) echo '${lines[0]}';; *) echo '${lines[1]}';; esac\n`);
    chmodSync(path, 0o755);
    const { exitCode, of } = await doctor(
      ['--set', 'worker.count=0', '--set', 'worker.listen=ipc:///tmp/rzero-doctor-none', '--set', 'worker.expect=1'],
      { PATH: `${folder.path}${delimiter}${process.env.PATH}`, CUDA_VISIBLE_DEVICES: undefined, RZERO_TOKEN: 'x' },
    );
    expect(of('cuda')).toMatchObject({ status: 'failed', found: expect.stringContaining('built without CUDA') });
    expect(of('gpus')).toMatchObject({ status: 'failed', found: expect.stringContaining('60.1 GiB of GPU 0') });
    expect(exitCode).toBe(78);
    expect(existsSync('/tmp/rzero-doctor-none')).toBe(false);
  });

  test.each([
    ['no token', {}, 401, 'no token'],
    ['a token that is refused', { HF_TOKEN: 'hf_verysecret' }, 403, 'not accepted'],
  ])('a gated model, with %s, which is never shown', async (_, token, status, said) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.writeHead(request.headers.authorization ? 403 : 401, { 'x-error-code': 'GatedRepo' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const HF_ENDPOINT = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const env = { HF_ENDPOINT, HF_HOME: folder.path, RZERO_PYTHON: '/nowhere/python', HF_TOKEN: undefined, ...token };
      const { exitCode, failed, out } = await doctor(['--model', 'me/gated'], env);
      expect(exitCode).toBe(77);
      expect(failed[0]).toMatchObject({ id: 'model', kind: 'credentials' });
      expect(failed[0].found).toContain(`answers ${status} (GatedRepo)`);
      expect(failed[0].found).toContain(said);
      expect(asked[0]).toBe(status === 403 ? 'Bearer hf_verysecret' : undefined);
      expect(out).not.toContain('hf_verysecret');
    } finally {
      server.close();
    }
  });
});

describe('workers that dial in', () => {
  let workers: WorkerProcess[];

  beforeEach(() => {
    workers = [];
  });

  afterEach(async () => {
    for (const worker of workers) worker.kill('SIGKILL');
    await Promise.all(workers.map(({ ended }) => ended));
  });

  async function start(endpoint: string, token: string): Promise<WorkerProcess> {
    const worker = await spawnWorker({ python: python(), backend: 'mock', threads: 1, endpoint, token });
    workers.push(worker);
    return worker;
  }

  test('are looked at one by one, and left running', async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    const [one] = await Promise.all([start(endpoint, 'a token'), start(endpoint, 'a token')]);
    const dialled = ['--listen', endpoint, '--expect', '2', '--wait', '60'];
    const { exitCode, failed, document, of, err } = await doctor([...MOCK, ...dialled], { RZERO_TOKEN: 'a token' });
    expect({ exitCode, failed }).toEqual({ exitCode: 0, failed: [] });
    expect(err).toBe(`Waiting 60 s for 2 workers at ${endpoint}.\n`);
    expect(of('arrivals')).toMatchObject({ status: 'ok', found: `2 of 2 dialled in at ${endpoint}` });
    expect(of('same-versions')?.found).toBe('the same on 3 workers');
    expect(document.workers).toHaveLength(3);
    const named = document.workers[1].name;
    expect(of('clock', named)?.status).toBe('ok');
    // It says so when it loses who listened, and dials again.
    while (!one.output().includes('connecting again')) await new Promise((resolve) => setImmediate(resolve));
  });

  test('and who is turned away is told of', async () => {
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    await start(endpoint, 'another token');
    const dialled = ['--listen', endpoint, '--wait', '2'];
    const { exitCode, failed } = await doctor([...MOCK, ...dialled], { RZERO_TOKEN: 'a token' });
    expect(exitCode).toBe(69);
    expect(failed).toMatchObject([
      { id: 'arrivals', found: expect.stringContaining('a peer was turned away: the token') },
    ]);
  });
});

test.each([
  [['--expect', '2'], 2, '--expect goes with --listen'],
  [['--listen', 'tcp://127.0.0.1:5700', '--expect', 'some'], 2, '--expect some: allowed is a whole number'],
  [['--set', 'worker.nothing=1'], 78, 'worker.nothing'],
])('%j is wrong usage', async (args, code, message) => {
  const { exitCode, err } = await cli(['doctor', ...args], { workingFolder: folder.path });
  expect(exitCode).toBe(code);
  expect(err).toContain(message);
});
