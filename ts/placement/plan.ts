import { PlacementError } from './errors.ts';
import { type Capacity, type Estimate, estimate } from './estimate.ts';
import { alone, apart, type Cluster, colocated, gpusUsed, type Layout, workersOf } from './layout.ts';
import {
  type Item,
  keptBytes,
  type Ledger,
  PROCESS,
  RESERVE,
  type SamplerShare,
  samplerShare,
  sum,
  trainerItems,
} from './memory.ts';
import type { ModelShape } from './shape.ts';
import { GIB } from './units.ts';
import { meanRow, mostSamples, packSizes, type Workload } from './workload.ts';

/** What a user has settled by hand. */
export interface Wishes {
  layout: 'auto' | 'colocated' | 'apart';
  /** GPUs that train; 0 leaves it open. */
  trainerGpus: number;
  /** GPUs of a sampler; 0 leaves it open. */
  tensorParallel: number;
}

/** A layout that fits, and what comes of it. */
export interface Plan {
  layout: Layout;
  /** Memory of the GPU that holds most, by phase; nothing in it is below 0. */
  ledgers: readonly Ledger[];
  /** Rows of mean length that a sampler decodes side by side. */
  rows: number;
  /** Tokens of a pack: as set, or as many as fit of the worker's own. */
  packTokens: number;
  estimate: Estimate;
}

/** Why nothing fits. */
export interface Refusal {
  /** One line: what is too large, and by how much. */
  reason: string;
  /** Changes of the configuration of which each alone makes it fit, as `--set` takes them, and what they do. */
  remedies: readonly { change: string; what: string }[];
}

/** Layouts that are slower than the fastest by less than this share are as fast: then the simpler is taken. */
const TIE = 0.01;

/**
 * Decide who samples and who trains. Tried are: one worker that does both on one GPU; all GPUs sampling, and some or all of them
 * training, at once where both fit and else in turns; some GPUs training and the others sampling. Of those that fit, the one with the
 * shortest iteration is taken; of equal ones, the one with the fewest workers, then GPUs.
 *
 * @throws PlacementError for wishes that no cluster of this kind could meet, by name
 */
export function decide(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): Plan | Refusal {
  const { plans, failures } = attempts(cluster, shape, workload, wishes);
  const best = fastest(plans);
  if (best !== undefined) return best;
  return { reason: reasonOf(cluster, failures), remedies: remediesOf(cluster, shape, workload, wishes) };
}

/** Whether a decision is to refuse. */
export function isRefusal(decision: Plan | Refusal): decision is Refusal {
  return 'reason' in decision;
}

/** A layout that does not fit: the phase in which it is furthest from it. */
interface Failure {
  layout: Layout;
  ledger: Ledger;
}

/** Of each family the first layout that fits: a sampler is cut over no more GPUs than it must be. */
function attempts(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes) {
  const plans: Plan[] = [];
  const failures: Failure[] = [];
  for (const family of families(cluster, shape, workload, wishes)) {
    for (const layout of family) {
      const result = weigh(cluster, shape, workload, layout);
      if ('ledgers' in result) {
        plans.push(result);
        break;
      }
      failures.push(result);
    }
  }
  return { plans, failures };
}

function fastest(plans: readonly Plan[]): Plan | undefined {
  const least = Math.min(...plans.map(({ estimate }) => estimate.seconds));
  const simplest = (a: Plan, b: Plan): number =>
    workersOf(a.layout) - workersOf(b.layout) ||
    gpusUsed(a.layout) - gpusUsed(b.layout) ||
    Number(a.layout.turns) - Number(b.layout.turns) ||
    a.estimate.seconds - b.estimate.seconds;
  return plans.filter(({ estimate }) => estimate.seconds <= least * (1 + TIE)).sort(simplest)[0];
}

/** Every layout that the wishes leave open; those of a family differ in `tensorParallel` alone, the smallest first. */
function families(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): Layout[][] {
  const { layout, trainerGpus, tensorParallel } = wishes;
  const { offload } = workload.settings.trainer;
  const parallels = tensorParallels(cluster, shape, workload, tensorParallel);
  const trainers = trainerSizes(cluster, workload, trainerGpus);
  const found: Layout[][] = [];
  // A vLLM worker that trains cannot leave weights in the host's memory.
  const canBeSingle = trainers.includes(1) && parallels.includes(1) && !(offload && workload.backend === 'vllm');
  if (layout !== 'apart') {
    if (canBeSingle) found.push([alone(false)], [alone(true)]);
    for (const size of trainers) {
      for (const turns of [false, true])
        found.push(parallels.map((parallel) => colocated(cluster, size, parallel, turns)));
    }
  }
  if (layout !== 'colocated') {
    for (const size of trainers) found.push(parallels.flatMap((parallel) => apart(cluster, size, parallel) ?? []));
  }
  if (found.every((family) => family.length === 0)) {
    const gpus = cluster.hosts * cluster.gpusPerHost;
    const training = trainerGpus === 0 ? '' : `, ${trainerGpus} of them to train`;
    throw new PlacementError(
      `placement.layout is apart; with ${gpus === 1 ? '1 GPU' : `${gpus} GPUs`}${training} none is left to sample`,
    );
  }
  return found;
}

/** GPUs that may be one sampler: powers of two that divide the heads, within a host; torch samples on one. */
function tensorParallels(
  { gpusPerHost }: Cluster,
  { heads }: ModelShape,
  { backend }: Workload,
  wish: number,
): number[] {
  const all = [1, 2, 4, 8, 16, 32, 64].filter((size) => size <= gpusPerHost && heads % size === 0);
  const allowed = backend === 'torch' ? [1] : all;
  if (wish === 0) return allowed;
  if (allowed.includes(wish)) return [wish];
  const why =
    backend === 'torch' && all.includes(wish)
      ? 'worker.backend torch samples on one GPU: set worker.backend to vllm'
      : `allowed is ${allowed.join(', ')}: a power of two that divides the model's ${heads} heads, within a host of ${gpusPerHost}`;
  throw new PlacementError(`placement.tensorParallel is ${wish}; ${why}`);
}

/** GPUs that may train together: some of one host, or all of several. */
function trainerSizes({ hosts, gpusPerHost }: Cluster, { settings }: Workload, wish: number): number[] {
  const within = Array.from({ length: gpusPerHost }, (_, index) => index + 1);
  const beyond = Array.from({ length: hosts - 1 }, (_, index) => (index + 2) * gpusPerHost);
  const { loraRank } = settings.trainer;
  const allowed = loraRank > 0 ? [1] : [...within, ...beyond];
  if (wish === 0) return allowed;
  if (allowed.includes(wish)) return [wish];
  const why =
    loraRank > 0
      ? 'adapters (trainer.loraRank) are trained on 1'
      : `allowed is 1 to ${gpusPerHost}${hosts > 1 ? `, or all GPUs of several hosts: ${beyond.join(', ')}` : ''}`;
  throw new PlacementError(`placement.trainerGpus is ${wish}; ${why}`);
}

/** What a layout's fullest GPU holds, with the largest packs that fit. */
function weigh(cluster: Cluster, shape: ModelShape, workload: Workload, layout: Layout): Plan | Failure {
  const { gpu } = cluster;
  const parallel = layout.samplers[0]?.places.length ?? 1;
  const sampler = samplerShare(workload, shape, parallel);
  const gpus = layout.trainer.places.length;
  let failure: Failure | undefined;
  for (const packTokens of packSizes(workload, shape)) {
    const trainer = trainerItems(workload, shape, { gpus, single: layout.single, packTokens });
    const { ledgers, cache } = ledgersOf(gpu.memoryBytes, layout, sampler, trainer);
    const worst = ledgers.reduce((a, b) => (b.free < a.free ? b : a));
    if (worst.free < 0) {
      failure = { layout, ledger: worst };
      continue;
    }
    const fitting = Math.floor(cache / sampler.caches / (meanRow(workload, shape) * sampler.tokenBytes));
    const rows = Math.max(1, Math.min(fitting, sampler.mostRows, mostSamples(workload, shape)));
    const capacity: Capacity = {
      rows,
      packTokens,
      keptBySampling: keptBytes(sampler.items),
      keptByTraining: keptBytes(trainer),
    };
    return { layout, ledgers, rows, packTokens, estimate: estimate(workload, shape, gpu, layout, capacity) };
  }
  return failure as Failure;
}

/** The ledger of each phase, and the bytes for caches. */
function ledgersOf(memory: number, layout: Layout, sampler: SamplerShare, trainer: readonly Item[]) {
  const { kind, single, turns } = layout;
  const processes = kind === 'colocated' && !single ? 2 : 1;
  const base: Item[] = [
    { what: 'reserve: fragments, others', bytes: RESERVE * memory },
    { what: processes === 1 ? 'CUDA context' : 'CUDA contexts of two workers', bytes: processes * PROCESS },
  ];
  const least = sampler.least * sampler.caches;
  const withCaches = (phase: Ledger['phase'], items: readonly Item[]) => {
    const left = memory - sum(items);
    const enough = left * sampler.cacheShare >= least;
    const cache = enough ? left * sampler.cacheShare : least;
    const free = left - (enough ? cache : least / sampler.cacheShare);
    const ledger: Ledger = { phase, items: [...items, { what: 'keys and values', bytes: cache }], free };
    return { ledger, cache };
  };
  const without = (phase: Ledger['phase'], items: readonly Item[]): Ledger => ({
    phase,
    items,
    free: memory - sum(items),
  });
  if (kind === 'colocated' && !turns) {
    const training = trainer.filter(({ shared }) => shared !== true);
    const { ledger, cache } = withCaches('sampling and training', [...base, ...sampler.items, ...training]);
    return { ledgers: [ledger], cache };
  }
  const { ledger, cache } = withCaches('sampling', [...base, ...sampler.items]);
  const ledgers = [ledger, without('training', [...base, ...trainer])];
  if (single) {
    // Both sides are awake while weights go from the one to the other; caches are not.
    const held = trainer.filter(({ passing, shared }) => passing !== true && shared !== true);
    ledgers.push(without('publishing', [...base, ...sampler.items, ...held]));
  }
  return { ledgers, cache };
}

function reasonOf({ gpu, hosts, gpusPerHost }: Cluster, failures: readonly Failure[]): string {
  const { layout, ledger } = failures.reduce((a, b) => (b.ledger.free > a.ledger.free ? b : a));
  const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
  const total = hosts * gpusPerHost;
  const which = {
    sampling: `on each GPU of a sampler of ${layout.samplers[0]?.places.length ?? 1}`,
    training: `on each of ${layout.trainer.places.length} that train`,
    'sampling and training': `on a GPU that does both`,
    publishing: `on a GPU that does both`,
  }[ledger.phase];
  const largest = [...ledger.items].sort((a, b) => b.bytes - a.bytes)[0] as Item;
  return [
    `does not fit on ${total === 1 ? `one ${gpu.name}` : `${total} x ${gpu.name}`}:`,
    `${ledger.phase} takes ${gib(sum(ledger.items))} ${which}, which has ${gib(gpu.memoryBytes)}: ${gib(-ledger.free)} too much`,
    `(most of it: ${largest.what}, ${gib(largest.bytes)})`,
  ].join(' ');
}

/** Changes that are tried one by one, each where it changes something; those that make it fit are told. */
function remediesOf(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): Refusal['remedies'] {
  const { settings, backend } = workload;
  const { trainer } = settings;
  const withTrainer = (fields: Partial<typeof trainer>): Workload => ({
    ...workload,
    settings: { ...settings, trainer: { ...trainer, ...fields } },
  });
  const open: Wishes = { layout: 'auto', trainerGpus: 0, tensorParallel: 0 };
  const tries: { change: string; what: string; fits: () => boolean }[] = [];
  const attempt = (change: string, what: string, work: Workload, wish = wishes, of = cluster): void => {
    tries.push({ change, what, fits: () => fastest(attempts(of, shape, work, wish).plans) !== undefined });
  };
  if (wishes.layout !== 'auto' || wishes.trainerGpus > 0 || wishes.tensorParallel > 0) {
    attempt(
      'placement.layout=auto placement.trainerGpus=0 placement.tensorParallel=0',
      'leave the layout open',
      workload,
      open,
    );
  }
  if (!trainer.recompute) {
    attempt('trainer.recompute=true', 'activations computed again: slower', withTrainer({ recompute: true }));
  }
  if (trainer.packTokens > 4096) {
    attempt('trainer.packTokens=4096', 'smaller packs: fewer activations at once', withTrainer({ packTokens: 4096 }));
  }
  if (!trainer.offload && trainer.loraRank === 0) {
    attempt(
      'trainer.offload=true',
      "weights, gradient and moments in the host's memory: slower",
      withTrainer({ offload: true }),
    );
  }
  if (trainer.loraRank === 0) {
    attempt('trainer.loraRank=32', 'train adapters alone', withTrainer({ loraRank: 32, offload: false }));
  }
  if (backend === 'torch') {
    attempt('worker.backend=vllm', 'sample with vLLM, over several GPUs if need be', { ...workload, backend: 'vllm' });
  } else {
    attempt('worker.backend=torch', 'sample with PyTorch: one cache for all models', { ...workload, backend: 'torch' });
  }
  for (const factor of [2, 4, 8]) {
    const gpus = cluster.hosts * cluster.gpusPerHost * factor;
    const more =
      cluster.gpusPerHost * factor <= 8
        ? { ...cluster, gpusPerHost: cluster.gpusPerHost * factor }
        : { ...cluster, hosts: cluster.hosts * factor };
    attempt(
      `--gpus ${more.gpusPerHost}${more.hosts > 1 ? ` --hosts ${more.hosts}` : ''}`,
      `${gpus} GPUs`,
      workload,
      wishes,
      more,
    );
  }
  const helpful = tries.filter(({ fits }) => {
    try {
      return fits();
    } catch (error) {
      // A pinned size that the change does not admit.
      if (error instanceof PlacementError) return false;
      throw error;
    }
  });
  const moreGpus = helpful.findIndex(({ change }) => change.startsWith('--gpus'));
  return helpful
    .filter(({ change }, index) => !change.startsWith('--gpus') || index === moreGpus)
    .map(({ change, what }) => ({ change, what }));
}
