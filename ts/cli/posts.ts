import { ConfigError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { type Group, workersOf } from '../placement/layout.ts';
import type { Plan } from '../placement/plan.ts';
import { type HostPost, type Post, postsByCount } from '../worker/post.ts';
import type { Placed } from './placement.ts';

/**
 * The workers that `rzero run` starts on this machine.
 *
 * @param placed what they are by plan; undefined where they are counted by hand, or one computes without a GPU
 * @throws ConfigError where a plan has several hosts, or fewer workers than the run would wait for
 */
export function postsOf({ worker, placement }: Config, placed: Placed | undefined): Post[] {
  if (placed === undefined) return postsByCount(worker.count ?? 1, worker.trainerProcesses);
  const workers = workersOf(placed.decision.layout);
  if (worker.count !== 0) {
    if (placement.hosts === 1) return hostPosts(worker.backend, placed.decision, 0).map(({ post }) => post);
    throw new ConfigError(
      `option "placement.hosts" is ${placement.hosts}: the workers of several hosts dial in, so set worker.count=0, worker.listen, worker.keys and worker.expect=${workers}, and start each host's with rzero workers (\`rzero plan\` prints the commands, \`rzero launch\` writes them down)`,
    );
  }
  if (worker.expect > workers) {
    throw new ConfigError(`option "worker.expect" is ${worker.expect}: the placement has ${workers} workers`);
  }
  return [];
}

/** The workers of one host of a plan, and its part of those that it shares with others. */
export function hostPosts(backend: Config['worker']['backend'], { layout, ...plan }: Plan, host: number): HostPost[] {
  const { single, trainer, samplers } = layout;
  const engine = backend === 'vllm' ? { engine: { memoryShare: plan.engineShare, rows: plan.rows } } : {};
  if (single) {
    if (host > 0) return [];
    return [
      {
        name: 'host-0-worker',
        dials: true,
        devices: devicesOf(trainer),
        post: { gpus: gpusOf(trainer, 0), ...engine },
      },
    ];
  }
  const hosts = [...new Set(trainer.places.map((place) => place.host))];
  const gpus = gpusOf(trainer, host);
  const training: HostPost = {
    name: `host-${host}-trainer`,
    dials: host === hosts[0],
    devices: devicesOf(trainer),
    post: { backend: 'torch', role: 'train', processes: gpus.length, gpus },
    ...(hosts.length > 1 ? { nodes: { count: hosts.length, rank: hosts.indexOf(host) } } : {}),
  };
  const own = samplers.filter(({ places }) => places[0]?.host === host);
  const sampling = own.map(
    (sampler, index): HostPost => ({
      name: `host-${host}-sampler-${index + 1}`,
      dials: true,
      devices: devicesOf(sampler),
      post: { role: 'sample', processes: sampler.places.length, gpus: gpusOf(sampler, host), ...engine },
    }),
  );
  return [...(gpus.length > 0 ? [training] : []), ...sampling];
}

function gpusOf({ places }: Group, host: number): number[] {
  return places.filter((place) => place.host === host).map(({ gpu }) => gpu);
}

/** Names that no two hosts give to different GPUs. */
function devicesOf({ places }: Group): string[] {
  return places.map(({ host, gpu }) => `host-${host}/gpu-${gpu}`);
}

/** How a plan of several hosts is started. HEAD is the machine of the orchestrator, NODE host 0. */
export function handStarts({ placement }: Config, { decision }: Placed): string[] {
  if (placement.hosts === 1) return [];
  const spans = new Set(decision.layout.trainer.places.map(({ host }) => host)).size > 1;
  return [
    'as one job: rzero launch slurm|kubernetes|skypilot ... --out job',
    "by hand, with that job's config.yml and keys, on the orchestrator's machine:",
    '  rzero run --config job/config.yml --out runs/mine',
    `on each host K from 0 to ${placement.hosts - 1}:`,
    `  rzero workers --host K --connect tcp://HEAD:5555 --keys job/keys --config job/config.yml${spans ? ' --rendezvous NODE:29500' : ''}`,
  ];
}

/** Names of all workers of a plan, which are those of their keys. */
export function namesOf(decision: Plan, hosts: number): string[] {
  return Array.from({ length: hosts }, (_, host) => hostPosts('torch', decision, host))
    .flat()
    .filter(({ dials }) => dials)
    .map(({ name }) => name);
}
