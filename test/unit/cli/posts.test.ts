import { describe, expect, test } from '@jest/globals';
import { type Placed, requireHostMemory } from '../../../ts/cli/placement.ts';
import { handStarts, postsOf } from '../../../ts/cli/posts.ts';
import { ConfigError } from '../../../ts/config/errors.ts';
import { loadConfig } from '../../../ts/config/load.ts';
import type { Config } from '../../../ts/config/schema.ts';
import { gpuNamed } from '../../../ts/placement/gpu.ts';
import { knownShape } from '../../../ts/placement/models.ts';
import { decide, type Plan } from '../../../ts/placement/plan.ts';
import type { ModelShape } from '../../../ts/placement/shape.ts';

function config(...sets: string[]): Config {
  return loadConfig({ preset: 'paper', sets });
}

/** A paper run as it is placed on h100. */
function placed(config: Config, model = 'Qwen/Qwen3-4B-Base'): Placed {
  const { hosts, gpusPerHost } = config.placement;
  const cluster = { hosts, gpusPerHost, gpu: gpuNamed('h100') };
  const shape = knownShape(model) as ModelShape;
  const workload = { backend: config.worker.backend as 'torch' | 'vllm', settings: config };
  return { cluster, shape, workload, decision: decide(cluster, shape, workload, config.placement) as Plan };
}

describe('workers that are counted by hand', () => {
  test('are one where nobody says how many, and nothing is said of its GPUs', () => {
    expect(postsOf(config(), undefined)).toEqual([{}]);
  });

  test('are as many as are said, the first of them a trainer of several processes', () => {
    expect(postsOf(config('worker.count=2'), undefined)).toEqual([{}, {}]);
    expect(postsOf(config('worker.count=3', 'worker.trainerProcesses=4'), undefined)).toEqual([
      { backend: 'torch', role: 'train', processes: 4 },
      { role: 'sample', gpus: [4] },
      { role: 'sample', gpus: [5] },
    ]);
  });
});

describe('workers as they are placed', () => {
  test('one that does both has one GPU', () => {
    const own = config('placement.gpusPerHost=4');
    expect(postsOf(own, placed(own, 'Qwen/Qwen3-0.6B')).length).toBeGreaterThan(1);
    const single = config('placement.gpusPerHost=1');
    expect(postsOf(single, placed(single, 'Qwen/Qwen3-0.6B'))).toEqual([{ gpus: [0] }]);
  });

  test('all GPUs train together, and each samples', () => {
    const own = config('placement.gpusPerHost=2', 'worker.backend=vllm');
    const posts = postsOf(own, placed(own));
    const engine = { memoryShare: expect.any(Number), rows: expect.any(Number) };
    expect(posts).toEqual([
      { backend: 'torch', role: 'train', processes: 2, gpus: [0, 1] },
      { role: 'sample', processes: 1, gpus: [0], engine },
      { role: 'sample', processes: 1, gpus: [1], engine },
    ]);
    // The engine that is awake leaves the reserve, two contexts of a GiB, and 1.5 GiB of the other engine free.
    expect(posts[1]?.engine?.memoryShare).toBeCloseTo(1 - 0.05 - 3.5 / (81_559 / 1024), 4);
  });

  test('a sampler of several GPUs is a group of as many processes', () => {
    const own = config(
      'placement.gpusPerHost=4',
      'worker.backend=vllm',
      'placement.layout=apart',
      'placement.trainerGpus=2',
      'placement.tensorParallel=2',
    );
    expect(postsOf(own, placed(own))).toMatchObject([
      { role: 'train', processes: 2, gpus: [0, 1] },
      { role: 'sample', processes: 2, gpus: [2, 3] },
    ]);
  });
});

describe("the host's memory", () => {
  test('must have room for what sleeps, or is offloaded', () => {
    const turns = placed(config('placement.gpusPerHost=2'));
    expect(() => requireHostMemory(turns, 1e12)).not.toThrow();
    expect(() => requireHostMemory(turns, 64 * 2 ** 30)).toThrow(
      /^the plan needs \d+\.\d GiB of the host's memory, which has 64\.0 GiB: its GPUs take turns/,
    );
    const offloaded = placed(config('placement.gpusPerHost=2', 'placement.layout=apart', 'trainer.offload=true'));
    // 16 bytes of each of 4.02 billion parameters.
    expect(() => requireHostMemory(offloaded, 32 * 2 ** 30)).toThrow(
      /needs 59\.9 GiB .* trainer\.offload keeps it there$/,
    );
    const two = ['placement.layout=apart', 'placement.trainerGpus=2', 'worker.backend=vllm'];
    const others = placed(config('placement.gpusPerHost=3', ...two));
    // 2 bytes of each, of the policy and of the Solver.
    expect(() => requireHostMemory(others, 8 * 2 ** 30)).toThrow(
      /needs 15\.0 GiB .* models wait there while vLLM draws from another$/,
    );
  });

  test('is not needed where nothing waits', () => {
    expect(() =>
      requireHostMemory(placed(config('placement.gpusPerHost=4', 'placement.layout=apart')), 0),
    ).not.toThrow();
  });
});

describe('workers of other hosts', () => {
  const sets = ['placement.gpusPerHost=8', 'placement.hosts=3', 'placement.layout=apart', 'placement.trainerGpus=16'];
  const waiting = ['worker.listen=tcp://0.0.0.0:5555', 'worker.keys=keys'];

  test('must be waited for, all of them', () => {
    const own = config(...sets);
    const act = () => postsOf(own, placed(own));
    expect(act).toThrow(ConfigError);
    // A trainer of 16 on two hosts, and 8 samplers on the third.
    expect(act).toThrow('option "worker.expect" is 0: 9 workers of the placement are on other hosts');
    const listening = config(...sets, ...waiting, 'worker.expect=9');
    expect(postsOf(listening, placed(listening))).toEqual([]);
  });

  test('are started by hand, as is told', () => {
    const own = config(...sets);
    expect(handStarts(own, placed(own))).toEqual([
      'on this machine, host 0: rzero keys keys --workers 9, then',
      '  rzero run ... --set worker.listen=tcp://0.0.0.0:5555 --set worker.keys=keys --set worker.expect=9',
      'on each of hosts 0 to 1, one trainer together:',
      expect.stringMatching(/^ {2}torchrun --nnodes 2 --nproc-per-node 8 .* --backend torch --roles train$/),
      'on host 2, a sampler for each of GPUS = 0 1 2 3 4 5 6 7:',
      expect.stringMatching(/^ {2}CUDA_VISIBLE_DEVICES=GPUS python -m rzero_worker .* --backend torch --roles sample$/),
    ]);
    const alone = config('placement.gpusPerHost=2');
    expect(handStarts(alone, placed(alone))).toEqual([]);
  });
});
