import { describe, expect, test } from '@jest/globals';
import { type Placed, requireHostMemory } from '../../../ts/cli/placement.ts';
import { handStarts, hostPosts, namesOf, postsOf } from '../../../ts/cli/posts.ts';
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

describe('workers of several hosts', () => {
  const sets = ['placement.gpusPerHost=8', 'placement.hosts=3', 'placement.layout=apart', 'placement.trainerGpus=16'];
  const waiting = ['worker.listen=tcp://0.0.0.0:5555', 'worker.keys=keys'];

  test('all dial in, and no more are waited for than there are', () => {
    const own = config(...sets);
    const act = () => postsOf(own, placed(own));
    expect(act).toThrow(ConfigError);
    // A trainer of 16 on two hosts, and 8 samplers on the third.
    expect(act).toThrow(/option "placement.hosts" is 3: .* set worker.count=0, .* and worker.expect=9, /);
    const all = config(...sets, ...waiting, 'worker.count=0', 'worker.expect=9');
    expect(postsOf(all, placed(all))).toEqual([]);
    const more = config(...sets, ...waiting, 'worker.count=0', 'worker.expect=10');
    expect(() => postsOf(more, placed(more))).toThrow('option "worker.expect" is 10: the placement has 9 workers');
  });

  test('each host has its samplers and its part of the trainer, whose first host connects', () => {
    const own = config(...sets);
    const { decision } = placed(own);
    const devices = [0, 1].flatMap((host) => Array.from({ length: 8 }, (_, gpu) => `host-${host}/gpu-${gpu}`));
    const post = { backend: 'torch', role: 'train', processes: 8, gpus: [0, 1, 2, 3, 4, 5, 6, 7] };
    expect(hostPosts('torch', decision, 0)).toEqual([
      { name: 'host-0-trainer', dials: true, devices, post, nodes: { count: 2, rank: 0 } },
    ]);
    expect(hostPosts('torch', decision, 1)).toEqual([
      { name: 'host-1-trainer', dials: false, devices, post, nodes: { count: 2, rank: 1 } },
    ]);
    const samplers = hostPosts('torch', decision, 2);
    expect(samplers.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((n) => `host-2-sampler-${n}`));
    expect(samplers[7]).toEqual({
      name: 'host-2-sampler-8',
      dials: true,
      devices: ['host-2/gpu-7'],
      post: { role: 'sample', processes: 1, gpus: [7] },
    });
  });

  test('have names of their own, one for each that connects', () => {
    const names = namesOf(placed(config(...sets)).decision, 3);
    expect(names).toEqual(['host-0-trainer', ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `host-2-sampler-${n}`)]);
  });

  test('who shares a GPU with whom can be told from the names of their devices', () => {
    const own = config('placement.gpusPerHost=2', 'placement.hosts=2', 'placement.layout=colocated');
    const { decision } = placed(own);
    const posts = [0, 1].flatMap((host) => hostPosts('torch', decision, host));
    const users = (device: string) => posts.filter((one) => one.devices?.includes(device)).map(({ name }) => name);
    expect(users('host-1/gpu-0')).toEqual(['host-0-trainer', 'host-1-trainer', 'host-1-sampler-1']);
  });

  test('are started by one command line a host, as is told', () => {
    const own = config(...sets);
    expect(handStarts(own, placed(own)).at(-1)).toBe(
      '  rzero workers --host K --connect tcp://HEAD:5555 --keys job/keys --config job/config.yml --rendezvous NODE:29500',
    );
    const alone = config('placement.gpusPerHost=2');
    expect(handStarts(alone, placed(alone))).toEqual([]);
  });
});
