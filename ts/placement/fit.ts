import { families, type Wishes } from './candidates.ts';
import { type Capacity, type Estimate, estimate } from './estimate.ts';
import type { Cluster, Layout } from './layout.ts';
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
import { meanRow, mostSamples, packSizes, type Workload } from './workload.ts';

/** A layout that fits, and what comes of it. */
export interface Fit {
  layout: Layout;
  /** Memory of the GPU that holds most, by phase; nothing in it is below 0. */
  ledgers: readonly Ledger[];
  /** Rows of mean length that a sampler decodes side by side. */
  rows: number;
  /** Share of a GPU's memory that the vLLM engine that is awake may take: weights, cache, and what it computes with. */
  engineShare: number;
  /**
   * Bytes of a host's memory that its GPUs' weights, gradients and moments wait in: while they sleep, while vLLM draws
   * from another model, or by `trainer.offload`.
   */
  hostBytes: number;
  /** Tokens of a pack: as set, or as many as fit of the worker's own. */
  packTokens: number;
  estimate: Estimate;
}

/** A layout that does not fit: the phase in which it is furthest from it. */
export interface Misfit {
  layout: Layout;
  ledger: Ledger;
}

/** Of each family the first layout that fits: a sampler is cut over no more GPUs than it must be. */
export function attempts(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes) {
  const fits: Fit[] = [];
  const misfits: Misfit[] = [];
  for (const family of families(cluster, shape, workload, wishes)) {
    for (const layout of family) {
      const result = weigh(cluster, shape, workload, layout);
      if ('ledgers' in result) {
        fits.push(result);
        break;
      }
      misfits.push(result);
    }
  }
  return { fits, misfits };
}

/** What a layout's fullest GPU holds, with the largest packs that fit. */
function weigh(cluster: Cluster, shape: ModelShape, workload: Workload, layout: Layout): Fit | Misfit {
  const { gpu } = cluster;
  const parallel = layout.samplers[0]?.places.length ?? 1;
  const sampler = samplerShare(workload, shape, parallel);
  const gpus = layout.trainer.places.length;
  let failure: Misfit | undefined;
  for (const packTokens of packSizes(workload, shape)) {
    const trainer = trainerItems(workload, shape, { gpus, single: layout.single, packTokens });
    const { ledgers, cache } = ledgersOf(gpu.memoryBytes, layout, sampler, trainer);
    const worst = ledgers.reduce((a, b) => (b.free < a.free ? b : a));
    if (worst.free < 0) {
      failure = { layout, ledger: worst };
      continue;
    }
    const fitting = Math.floor(cache / (meanRow(workload, shape) * sampler.tokenBytes));
    const rows = Math.max(1, Math.min(fitting, sampler.mostRows, mostSamples(workload, shape)));
    const capacity: Capacity = {
      rows,
      packTokens,
      keptBySampling: keptBytes(sampler.items),
      keptByTraining: keptBytes(trainer.filter(({ shared }) => shared !== true)),
    };
    return {
      layout,
      ledgers,
      rows,
      engineShare: (sampler.engine + cache) / gpu.memoryBytes,
      hostBytes: hostBytes(cluster, shape, workload, layout, capacity, sampler.waiting),
      packTokens,
      estimate: estimate(workload, shape, gpu, layout, capacity),
    };
  }
  return failure as Misfit;
}

/**
 * What the fullest host keeps for its GPUs: both roles' while they sleep in turns, models that others are drawn from
 * meanwhile, and all of the trainer's where it is offloaded.
 */
function hostBytes(
  { gpusPerHost }: Cluster,
  { parameters }: ModelShape,
  { settings }: Workload,
  { single, turns, trainer, samplers }: Layout,
  { keptBySampling, keptByTraining }: Capacity,
  waiting: number,
): number {
  const training = Math.min(gpusPerHost, trainer.places.length);
  const sampling = single ? 1 : Math.min(gpusPerHost, samplers.length * (samplers[0]?.places.length ?? 1));
  // While one model has gone to sleep and the other has not woken yet, all are there.
  const sampled = turns || waiting > 0 ? sampling * (keptBySampling + waiting) : 0;
  const trained = turns ? training * keptByTraining : 0;
  const { offload, loraRank } = settings.trainer;
  const offloaded = offload && loraRank === 0 ? (TRAINED * parameters * training) / trainer.places.length : 0;
  return sampled + trained + offloaded;
}

/** The ledger of each phase, and the bytes for the cache. */
function ledgersOf(memory: number, layout: Layout, sampler: SamplerShare, trainer: readonly Item[]) {
  const { kind, single, turns } = layout;
  const processes = kind === 'colocated' && !single ? 2 : 1;
  const base: Item[] = [
    { what: 'reserve: fragments, others', bytes: RESERVE * memory },
    { what: processes === 1 ? 'CUDA context' : 'CUDA contexts of two workers', bytes: processes * PROCESS },
  ];
  const { least } = sampler;
  const withCache = (phase: Ledger['phase'], items: readonly Item[]) => {
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
    const { ledger, cache } = withCache('sampling and training', [...base, ...sampler.items, ...training]);
    return { ledgers: [ledger], cache };
  }
  const { ledger, cache } = withCache('sampling', [...base, ...sampler.items]);
  const ledgers = [ledger, without('training', [...base, ...trainer])];
  if (single) {
    // Both sides are awake while weights go from the one to the other; the cache is not.
    const held = trainer.filter(({ passing, shared }) => passing !== true && shared !== true);
    ledgers.push(without('publishing', [...base, ...sampler.items, ...held]));
  }
  return { ledgers, cache };
}
