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
  TRAINED,
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
  /** Share of a GPU's memory that a vLLM engine may take: weights of a model, its cache, and what it computes with. */
  engineShare: number;
  /** Bytes of a host's memory that its GPUs' weights, gradients and moments wait in: while they sleep, or by `trainer.offload`. */
  hostBytes: number;
  /** Tokens of a pack: as set, or as many as fit of the worker's own. */
  packTokens: number;
  estimate: Estimate;
  /** The fastest of each other kind that fits, and the seconds of its iteration. */
  others: readonly { layout: Layout; seconds: number }[];
}

/** Why nothing fits. */
export interface Refusal {
  /** One line: what is too large, and by how much. */
  reason: string;
  /** Of which each alone makes it fit: changes of the configuration, as `--set` takes them, or more GPUs; and what they do. */
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
  if (best !== undefined) return { ...best, others: othersOf(plans, best) };
  return { reason: reasonOf(cluster, failures), remedies: remediesOf(cluster, shape, workload, wishes) };
}

/** Whether a decision is to refuse. */
export function isRefusal(decision: Plan | Refusal): decision is Refusal {
  return 'reason' in decision;
}

/** A layout that fits. */
type Fit = Omit<Plan, 'others'>;

/** A layout that does not fit: the phase in which it is furthest from it. */
interface Failure {
  layout: Layout;
  ledger: Ledger;
}

/** Of each family the first layout that fits: a sampler is cut over no more GPUs than it must be. */
function attempts(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes) {
  const plans: Fit[] = [];
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

function fastest(plans: readonly Fit[]): Fit | undefined {
  const least = Math.min(...plans.map(({ estimate }) => estimate.seconds));
  const simplest = (a: Fit, b: Fit): number =>
    workersOf(a.layout) - workersOf(b.layout) ||
    gpusUsed(a.layout) - gpusUsed(b.layout) ||
    Number(a.layout.turns) - Number(b.layout.turns) ||
    a.estimate.seconds - b.estimate.seconds;
  return plans.filter(({ estimate }) => estimate.seconds <= least * (1 + TIE)).sort(simplest)[0];
}

/** The fastest of each kind but the chosen one's, the fastest first. */
function othersOf(plans: readonly Fit[], { layout }: Fit): Plan['others'] {
  const kindOf = ({ kind, single, turns }: Layout): string => `${kind} ${single} ${turns}`;
  const best = new Map<string, { layout: Layout; seconds: number }>();
  for (const { layout, estimate } of plans) {
    const kind = kindOf(layout);
    if (estimate.seconds < (best.get(kind)?.seconds ?? Number.POSITIVE_INFINITY)) {
      best.set(kind, { layout, seconds: estimate.seconds });
    }
  }
  best.delete(kindOf(layout));
  return [...best.values()].sort((a, b) => a.seconds - b.seconds);
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
function weigh(cluster: Cluster, shape: ModelShape, workload: Workload, layout: Layout): Fit | Failure {
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
      keptByTraining: keptBytes(trainer.filter(({ shared }) => shared !== true)),
    };
    const engine = (sum(sampler.items) + cache) / sampler.caches;
    return {
      layout,
      ledgers,
      rows,
      engineShare: engine / gpu.memoryBytes,
      hostBytes: hostBytes(cluster, shape, workload, layout, capacity),
      packTokens,
      estimate: estimate(workload, shape, gpu, layout, capacity),
    };
  }
  return failure as Failure;
}

/** What the fullest host keeps for its GPUs: both roles' while they sleep in turns, and all of the trainer's where it is offloaded. */
function hostBytes(
  { gpusPerHost }: Cluster,
  { parameters }: ModelShape,
  { settings }: Workload,
  { single, turns, trainer, samplers }: Layout,
  { keptBySampling, keptByTraining }: Capacity,
): number {
  const training = Math.min(gpusPerHost, trainer.places.length);
  const sampling = single ? 1 : Math.min(gpusPerHost, samplers.length * (samplers[0]?.places.length ?? 1));
  const asleep = turns ? sampling * keptBySampling + training * keptByTraining : 0;
  const { offload, loraRank } = settings.trainer;
  const offloaded = offload && loraRank === 0 ? (TRAINED * parameters * training) / trainer.places.length : 0;
  return asleep + offloaded;
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
    const cache = enough ? left * sampler.cacheShare : least / sampler.cacheShare;
    const what = enough || sampler.cacheShare === 1 ? 'keys and values' : 'keys and values, and as much left free';
    const ledger: Ledger = { phase, items: [...items, { what, bytes: cache }], free: left - cache };
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
  const [samplers, trainers] = [layout.samplers[0]?.places.length ?? 1, layout.trainer.places.length];
  const which = {
    sampling: samplers === 1 ? 'on a GPU that samples' : `on each GPU of a sampler of ${samplers}`,
    training: trainers === 1 ? 'on the GPU that trains' : `on each of ${trainers} GPUs that train`,
    'sampling and training': 'on a GPU that does both',
    publishing: 'on a GPU that does both',
  }[ledger.phase];
  const largest = [...ledger.items].sort((a, b) => b.bytes - a.bytes)[0] as Item;
  return [
    `does not fit on ${total === 1 ? 'one' : `${total} x`} ${gpu.name} (${gib(gpu.memoryBytes)}):`,
    `${ledger.phase} takes ${gib(sum(ledger.items))} ${which}, ${gib(-ledger.free)} too much`,
    `(${gib(largest.bytes)} of it: ${largest.what})`,
  ].join(' ');
}

/** Changes that are tried one by one, each where it changes something; those that make it fit are told. */
function remediesOf(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): Refusal['remedies'] {
  const { hosts, gpusPerHost } = cluster;
  const { settings, backend } = workload;
  const { trainer } = settings;
  const withTrainer = (fields: Partial<typeof trainer>): Workload => ({
    ...workload,
    settings: { ...settings, trainer: { ...trainer, ...fields } },
  });
  const open: Wishes = { layout: 'auto', trainerGpus: 0, tensorParallel: 0 };
  const found: { change: string; what: string }[] = [];
  const attempt = (change: string, what: string, work: Workload, wish = wishes): void => {
    if (canFit(cluster, shape, work, wish)) found.push({ change, what });
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
  attempt('sampling.maxTokens halved', 'wherever it is set: shorter sequences', {
    ...workload,
    settings: halved(settings),
  });
  const more = [2, 4, 8]
    .map((factor) =>
      gpusPerHost * factor <= 8 ? { hosts, gpusPerHost: gpusPerHost * factor } : { hosts: hosts * factor, gpusPerHost },
    )
    .find((size) => canFit({ ...cluster, ...size }, shape, workload, wishes));
  if (more === undefined) return found;
  const change = `${more.hosts > 1 ? `${more.hosts} hosts of ` : ''}${more.gpusPerHost} x ${cluster.gpu.name}`;
  return [...found, { change, what: 'more GPUs' }];
}

/** Whether some layout fits; a size that the user has settled may be one that a change does not admit. */
function canFit(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): boolean {
  try {
    return attempts(cluster, shape, workload, wishes).plans.length > 0;
  } catch (error) {
    if (error instanceof PlacementError) return false;
    throw error;
  }
}

function halved(settings: Workload['settings']): Workload['settings'] {
  const half = <T extends { sampling: { maxTokens: number } }>(phase: T): T => ({
    ...phase,
    sampling: { ...phase.sampling, maxTokens: Math.ceil(phase.sampling.maxTokens / 2) },
  });
  const { challenger, questions, answering, solver, evaluation } = settings;
  return {
    ...settings,
    challenger: half(challenger),
    questions: half(questions),
    answering: half(answering),
    solver: half(solver),
    evaluation: half(evaluation),
  };
}
