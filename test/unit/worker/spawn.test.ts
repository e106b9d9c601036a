import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { commandLine, spawnWorker, workerEnvironment } from '../../../ts/worker/spawn.ts';
import { ended, isAlive } from '../../fixtures/processes.ts';

describe('the environment of a worker', () => {
  const options = { threads: 4, token: 'secret' };

  test('has the threads, the token, and our package in front of the path that was there', () => {
    const env = workerEnvironment(options, { PYTHONPATH: '/mine', OMP_NUM_THREADS: '64', UNSET: undefined });
    expect(env).toMatchObject({
      OMP_NUM_THREADS: '4',
      MKL_NUM_THREADS: '4',
      KMP_BLOCKTIME: '0',
      RZERO_TOKEN: 'secret',
    });
    expect(env.PYTHONPATH).toMatch(/py_worker:\/mine$/);
    expect(env).not.toHaveProperty('UNSET');
    expect(workerEnvironment(options, {}).PYTHONPATH).toMatch(/py_worker$/);
  });

  test("has nothing of ours on the path of somebody else's worker", () => {
    const env = workerEnvironment({ ...options, command: ['./mine'] }, { PYTHONPATH: '/mine' });
    expect(env).toMatchObject({ PYTHONPATH: '/mine', RZERO_TOKEN: 'secret' });
    expect(workerEnvironment({ ...options, command: ['./mine'] }, {})).not.toHaveProperty('PYTHONPATH');
  });

  test('leaves what the user set for memory and libraries', () => {
    const env = workerEnvironment(options, { MALLOC_ARENA_MAX: '8', KMP_BLOCKTIME: '200' });
    expect(env).toMatchObject({ MALLOC_ARENA_MAX: '8', KMP_BLOCKTIME: '200', HF_HUB_DISABLE_TELEMETRY: '1' });
  });
});

describe('what is run for a worker', () => {
  const options = { python: 'py', backend: 'torch', threads: 1, endpoint: 'tcp://127.0.0.1:5', token: 'secret' };

  test('is one process that offers all it can', () => {
    expect(commandLine(options).join(' ')).toBe(
      'py -m rzero_worker --connect tcp://127.0.0.1:5 --backend torch --exit-with-stdin',
    );
  });

  test('is torchrun where several processes train together', () => {
    expect(commandLine({ ...options, role: 'train', processes: 8 }).join(' ')).toBe(
      'py -m torch.distributed.run --standalone --nproc-per-node 8 ' +
        '-m rzero_worker --connect tcp://127.0.0.1:5 --backend torch --roles train --exit-with-stdin',
    );
  });

  test("is somebody else's program with the endpoint alone", () => {
    expect(commandLine({ ...options, command: ['./mine', '--fast'] })).toEqual([
      './mine',
      '--fast',
      '--connect',
      'tcp://127.0.0.1:5',
    ]);
  });

  test.each([
    [undefined, '3,4'],
    ['4,5,6,7,8', '7,8'],
    ['4,5,6,7', '7'],
    ['0,1', ''],
    ['', ''],
  ])('has the fourth and fifth GPU of %p', (visible, own) => {
    const env = workerEnvironment({ threads: 1, token: 'secret', gpus: [3, 4] }, { CUDA_VISIBLE_DEVICES: visible });
    expect(env.CUDA_VISIBLE_DEVICES).toBe(own);
  });

  test('says what a vLLM engine takes, unless the user has', () => {
    const options = { threads: 1, token: 'secret', engine: { memoryShare: 0.27512, rows: 103 } };
    const env = workerEnvironment(options, { RZERO_VLLM_ROWS: '64' });
    expect(env).toMatchObject({ RZERO_VLLM_GPU_MEMORY: '0.275', RZERO_VLLM_ROWS: '64' });
  });

  test('has the GPUs of this process unless told otherwise', () => {
    const env = workerEnvironment({ threads: 1, token: 'secret' }, { CUDA_VISIBLE_DEVICES: '4,5' });
    expect(env.CUDA_VISIBLE_DEVICES).toBe('4,5');
  });
});

describe('signals', () => {
  const options = { python: '', backend: '', threads: 1, endpoint: '', token: '' };

  afterEach(() => {
    jest.restoreAllMocks();
  });

  test("go to the worker's own group, and none is sent after its end: its id may be somebody else's by then", async () => {
    const listeners = process.listenerCount('exit');
    const sent = jest.spyOn(process, 'kill');
    const worker = await spawnWorker({
      ...options,
      command: [process.execPath, '-e', 'setInterval(() => {}, 1e6)', '--'],
    });
    worker.kill('SIGTERM');
    expect(await worker.ended).toEqual({ exitCode: undefined, signal: 'SIGTERM' });
    // The second is for what the worker may have started, at the very moment of its own end.
    expect(sent.mock.calls).toEqual([
      [-worker.pid, 'SIGTERM'],
      [-worker.pid, 'SIGKILL'],
    ]);
    sent.mockClear();
    worker.kill('SIGTERM');
    worker.kill('SIGKILL');
    expect(sent.mock.calls).toEqual([]);
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  test('do not reach a neighbour, nor whoever leads another group', async () => {
    const command = [process.execPath, '-e', 'setInterval(() => {}, 1e6)', '--'];
    const [one, other] = [await spawnWorker({ ...options, command }), await spawnWorker({ ...options, command })];
    one.kill('SIGKILL');
    await one.ended;
    expect(isAlive(other.pid)).toBe(true);
    other.kill('SIGKILL');
    expect(await other.ended).toMatchObject({ signal: 'SIGKILL' });
  });
});

describe('a worker does not outlive its orchestrator', () => {
  const left: number[] = [];

  afterEach(() => {
    for (const pid of left.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });

  async function orchestrate(fixture: string) {
    const path = (name: string) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
    const orchestrator = spawn(
      process.execPath,
      ['--import', path('typescript.mjs'), path('orchestrator.ts'), fixture],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    );
    const [line] = await new Promise<Buffer[]>((resolve) => {
      orchestrator.stdout.once('data', (chunk: Buffer) => resolve([chunk]));
      orchestrator.once('exit', () => resolve([]));
    });
    const pid = Number(line);
    left.push(pid, orchestrator.pid as number);
    expect(isAlive(pid)).toBe(true);
    return { orchestrator, pid };
  }

  test('that exits without stopping it', async () => {
    const { orchestrator, pid } = await orchestrate('ignores_signals');
    orchestrator.stdin.write('end\n');
    await ended(pid);
  });

  test('that is killed by SIGKILL', async () => {
    const { orchestrator, pid } = await orchestrate('never_answers');
    orchestrator.kill('SIGKILL');
    await ended(pid);
  });
});
