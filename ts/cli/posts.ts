import { ConfigError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Group, Place } from '../placement/layout.ts';
import type { Plan } from '../placement/plan.ts';
import { type Post, postsByCount } from '../worker/post.ts';
import type { Placed } from './placement.ts';

/** This machine, where a plan has several. */
const HERE = 0;

/**
 * The workers to start on this machine.
 *
 * @param placed what they are by plan; undefined where they are counted by hand, or one computes without a GPU
 * @throws ConfigError where a plan has other hosts whose workers nobody is waiting for
 */
export function postsOf({ worker }: Config, placed: Placed | undefined): Post[] {
  if (placed === undefined) return postsByCount(worker.count ?? 1, worker.trainerProcesses);
  const { layout } = placed.decision;
  const elsewhere = workersElsewhere(placed.decision);
  if (elsewhere > 0 && (worker.listen === '' || worker.expect !== elsewhere)) {
    throw new ConfigError(
      `option "worker.expect" is ${worker.expect}: ${elsewhere} workers of the placement are on other hosts, so set worker.listen, worker.keys and worker.expect=${elsewhere} (\`rzero plan\` prints how to start them)`,
    );
  }
  const engine = engineOf(worker.backend, placed.decision);
  const { single, trainer, samplers } = layout;
  if (single) return [{ gpus: gpusOf(trainer), ...engine }];
  return [
    ...(isHere(trainer)
      ? [{ backend: 'torch', role: 'train' as const, processes: trainer.places.length, gpus: gpusOf(trainer) }]
      : []),
    ...samplers.filter(isHere).map((sampler) => ({
      role: 'sample' as const,
      processes: sampler.places.length,
      gpus: gpusOf(sampler),
      ...engine,
    })),
  ];
}

/** Workers of a plan that this machine cannot start: those that are, in part, on another. */
function workersElsewhere({ layout }: Plan): number {
  const { single, trainer, samplers } = layout;
  return [...(single ? [] : [trainer]), ...samplers].filter((group) => !isHere(group)).length;
}

function engineOf(backend: string, { engineShare, rows }: Plan): Pick<Post, 'engine'> {
  return backend === 'vllm' ? { engine: { memoryShare: engineShare, rows } } : {};
}

function isHere({ places }: Group): boolean {
  return places.every(({ host }) => host === HERE);
}

function gpusOf({ places }: Group): number[] {
  return places.map(({ gpu }: Place) => gpu);
}

/**
 * How to start the workers that this machine cannot, a line each for those who do so by hand. HOST is this machine,
 * NAME a worker's name (`rzero keys`), NODE the first host.
 */
export function handStarts({ worker, placement }: Config, { cluster, decision }: Placed): string[] {
  const elsewhere = workersElsewhere(decision);
  if (elsewhere === 0) return [];
  const { single, trainer, samplers } = decision.layout;
  const dial =
    '-m rzero_worker --connect tcp://HOST:5555 --worker-id NAME --keys NAME.key --server-key orchestrator.pub';
  const lines = [
    `on this machine, host 0: rzero keys keys --workers ${elsewhere}, then`,
    `  rzero run ... --set worker.listen=tcp://0.0.0.0:5555 --set worker.keys=keys --set worker.expect=${elsewhere}`,
  ];
  if (!single && !isHere(trainer)) {
    const hosts = [...new Set(trainer.places.map(({ host }) => host))];
    lines.push(
      `on ${hostsText(hosts)}, one trainer together:`,
      `  torchrun --nnodes ${hosts.length} --nproc-per-node ${cluster.gpusPerHost} --rdzv-backend c10d --rdzv-endpoint NODE:29500 ${dial} --backend torch --roles train`,
    );
  }
  const engine = engineOf(worker.backend, decision).engine;
  const told =
    engine === undefined
      ? ''
      : `RZERO_VLLM_GPU_MEMORY=${engine.memoryShare.toFixed(3)} RZERO_VLLM_ROWS=${engine.rows} `;
  const byGpus = new Map<string, number[]>();
  for (let host = 1; host < placement.hosts; host++) {
    const own = samplers.filter(({ places }) => places[0]?.host === host).map((group) => gpusOf(group).join(','));
    if (own.length > 0) byGpus.set(own.join(' '), [...(byGpus.get(own.join(' ')) ?? []), host]);
  }
  const size = samplers[0]?.places.length ?? 1;
  const launch = size === 1 ? 'python' : `torchrun --standalone --nproc-per-node ${size}`;
  for (const [gpus, hosts] of byGpus) {
    lines.push(
      `on ${hostsText(hosts)}, a sampler for each of GPUS = ${gpus}:`,
      `  CUDA_VISIBLE_DEVICES=GPUS ${told}${launch} ${dial} --backend ${worker.backend} --roles sample`,
    );
  }
  return lines;
}

/** Neighbouring hosts, in words. */
function hostsText(hosts: readonly number[]): string {
  return hosts.length === 1 ? `host ${hosts[0]}` : `each of hosts ${hosts[0]} to ${hosts.at(-1)}`;
}
