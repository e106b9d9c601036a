import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sampleParams, userTurns } from '../../../ts/contract/requests.ts';
import { keyPaths, makeKeys } from '../../../ts/worker/keyFolder.ts';
import type { Pool } from '../../../ts/worker/pool/pool.ts';
import { postsByCount } from '../../../ts/worker/post.ts';
import { type StartWorkersOptions, startWorkers } from '../../../ts/worker/startWorkers.ts';
import { inRequests } from '../../fixtures/inRequests.ts';
import { children } from '../../fixtures/processes.ts';
import { python, workerFixture } from '../../fixtures/python.ts';

const ASKED = sampleParams('m', { conversations: userTurns('1+1', '2*3', '9-4', '8+8'), n: 4 });

let folder: string;
let pools: Pool[];
let dialled: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rzero-workers-'));
  pools = [];
  dialled = [];
});

afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.close()));
  for (const process of dialled) process.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: Partial<StartWorkersOptions>): Promise<Pool> {
  const shared = { python: python(), backend: 'mock', threads: 1, sharedFolder: folder };
  const pool = await startWorkers({ ...shared, posts: [], ...options });
  pools.push(pool);
  return pool;
}

/** Start a worker as somebody on another machine would. */
function dial(endpoint: string, flags: readonly string[], token?: string): ChildProcess {
  const args = ['-m', 'rzero_worker', '--connect', endpoint, '--backend', 'mock', ...flags];
  const PYTHONPATH = fileURLToPath(new URL('../../../py_worker', import.meta.url));
  const env = { ...process.env, PYTHONPATH, ...(token === undefined ? {} : { RZERO_TOKEN: token }) };
  const worker = spawn(python(), args, { env, stdio: 'ignore' });
  dialled.push(worker);
  return worker;
}

async function samplesOf(pool: Pool): Promise<unknown> {
  await pool.loadModel({ modelId: 'm', source: 'mock://babble', trainable: true, seed: 1 });
  await pool.publishWeights({ modelId: 'm' });
  return inRequests(pool, 4).sample(ASKED);
}

describe('workers of this machine', () => {
  test('are several as one, leave a log each and nothing else', async () => {
    const said: string[] = [];
    const several = await start({
      posts: postsByCount(2),
      logFile: join(folder, 'worker.log'),
      onChange: (text) => said.push(text),
    });
    const one = await start({ posts: postsByCount(1) });
    expect(await samplesOf(several)).toEqual(await samplesOf(one));
    await several.close();
    expect(readdirSync(folder).sort()).toEqual(['worker-2.log', 'worker.log']);
    expect(said).toEqual([expect.stringMatching(/joined, 1 in all$/), expect.stringMatching(/joined, 2 in all$/)]);
  });

  test('are a group of processes that train, and others that sample', async () => {
    // Sampled by the mock: what the group is asked for here needs no model.
    const logFile = join(folder, 'worker.log');
    const pool = await start({ posts: postsByCount(2, 2), logFile });
    expect([pool.size, pool.hello.backend]).toEqual([2, 'torch+mock']);
    const load = { modelId: 'm', source: join(folder, 'nothing'), trainable: true, seed: 1 };
    await expect(pool.loadModel(load)).rejects.toMatchObject({
      code: 'model_unloadable',
      message: expect.stringContaining('nothing'),
    });
    await pool.close();
    expect(readFileSync(logFile, 'utf8')).toMatch(/stopping: told to shut down\n$/);
  }, 120_000);

  test('of which one ends are told by its last error, whatever is printed after it', async () => {
    await expect(start({ posts: postsByCount(1), program: workerFixture('dies_with_report') })).rejects.toMatchObject({
      code: 'worker_start_failed',
      message: expect.stringMatching(/it last printed: .* the group of 2 ranks ends: rank 1 is late$/),
    });
  });

  test('of which one cannot start are none, and the others end', async () => {
    const call = start({ posts: postsByCount(2), program: workerFixture('dies_at_start') });
    await expect(call).rejects.toMatchObject({ code: 'worker_start_failed' });
  });
});

describe('workers that dial in', () => {
  test('are waited for, serve, and are told to stop', async () => {
    let worker: ChildProcess | undefined;
    const pool = await start({
      listen: {
        address: `ipc://${join(folder, 'socket')}`,
        token: 'let me in',
        expect: 1,
        onListening(endpoint) {
          worker = dial(endpoint, [], 'let me in');
        },
      },
    });
    expect(await samplesOf(pool)).toEqual(await samplesOf(await start({ posts: postsByCount(1) })));
    const ended = once(worker as ChildProcess, 'exit');
    await pool.close();
    expect(await ended).toEqual([0, null]);
    expect(readdirSync(folder).filter((name) => name.startsWith('exchange'))).toEqual([]);
  });

  test('may sample for a trainer of this machine, by keys', async () => {
    const keys = join(folder, 'keys');
    makeKeys(keys, ['worker-1']);
    const paths = keyPaths(keys);
    const pool = await start({
      posts: postsByCount(1),
      listen: {
        address: 'tcp://127.0.0.1:*',
        keys,
        expect: 1,
        onListening: (endpoint) =>
          dial(endpoint, [
            '--roles',
            'sample',
            '--keys',
            paths.workerKey('worker-1'),
            '--server-key',
            paths.orchestratorPublic,
          ]),
      },
    });
    expect(await samplesOf(pool)).toEqual(await samplesOf(await start({ posts: postsByCount(1) })));
  });

  test('need a token or keys; nothing is bound without', async () => {
    const address = `ipc://${join(folder, 'socket')}`;
    await expect(start({ listen: { address, expect: 1 } })).rejects.toMatchObject({ code: 'insecure' });
    expect(existsSync(join(folder, 'socket'))).toBe(false);
  });

  test('from other machines need keys', async () => {
    const listen = { address: 'tcp://0.0.0.0:*', token: 'let me in', expect: 1 };
    await expect(start({ listen })).rejects.toMatchObject({
      code: 'insecure',
      message: expect.stringMatching(/rzero keys/),
    });
  });

  test.each([
    [
      'tcp://127.0.0.1:PORT',
      /^cannot listen at tcp:\/\/127\.0\.0\.1:PORT: the port is in use; choose another, or \* for a free one$/,
    ],
    [
      'tcp://no-such-host.invalid:PORT',
      /^cannot listen at .*:PORT: this machine has no such address or network interface$/,
    ],
    ['tcp://192.0.2.1:PORT', /^cannot listen at .*:PORT: this machine has no such address$/],
  ])(
    'at %s, which cannot be bound, are not waited for: what is wrong is named, and nothing is left',
    async (where, message) => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
      const { port } = taken.address() as AddressInfo;
      const keys = join(folder, 'keys');
      makeKeys(keys, ['worker-1']);
      const listen = { address: where.replace('PORT', String(port)), keys, expect: 1 };
      try {
        await expect(start({ posts: postsByCount(1), listen })).rejects.toMatchObject({
          code: 'bind_failed',
          message: expect.stringMatching(message.source.replace('PORT', String(port))),
        });
        expect(children()).toEqual([]);
      } finally {
        taken.close();
      }
    },
  );

  test('of which too few come in time are an error that says how many, and who was turned away', async () => {
    const listen = {
      address: `ipc://${join(folder, 'socket')}`,
      token: 'let me in',
      expect: 2,
      onListening: (endpoint: string) => {
        dial(endpoint, [], 'guess');
      },
    };
    const said: string[] = [];
    const onChange = (text: string): void => void said.push(text);
    await expect(start({ listen, joinDeadline: 4_000, onChange })).rejects.toMatchObject({
      code: 'worker_gone',
      message: expect.stringMatching(
        /^0 of 2 workers dialled in at ipc.* within 4 s; a peer was turned away: the token/,
      ),
    });
    expect(said).toEqual([expect.stringMatching(/^a peer was turned away: the token is not one/)]);
  });

  test('are waited for no longer than the caller likes', async () => {
    const listen = { address: `ipc://${join(folder, 'socket')}`, token: 'x', expect: 1 };
    await expect(start({ listen, signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ code: 'cancelled' });
  });
});

test('a log is kept of each process', async () => {
  const pool = await start({ posts: postsByCount(2), logFile: join(folder, 'worker.log') });
  await pool.close();
  for (const name of ['worker.log', 'worker-2.log'])
    expect(readFileSync(join(folder, name), 'utf8')).toContain('connected');
});
