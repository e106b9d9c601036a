import type { Fit } from '../placement/fit.ts';
import type { Gpu } from '../placement/gpu.ts';
import type { Group } from '../placement/layout.ts';
import { keptBytes, samplerShare, trainerItems } from '../placement/memory.ts';
import type { ModelShape } from '../placement/shape.ts';
import type { Workload } from '../placement/workload.ts';
import { paceOf, type WorkerPace } from './pace.ts';
import type { SimulatedWorkerOptions } from './simulatedWorker.ts';

/** What is placed: a model's work on GPUs of one kind. */
export interface Ground {
  shape: ModelShape;
  gpu: Gpu;
  workload: Workload;
}

/** The workers of a plan, the trainer first. */
export function fleetOf(plan: Fit, ground: Ground): SimulatedWorkerOptions[] {
  const { single, trainer, samplers } = plan.layout;
  const { rows } = plan;
  const mixes = false;
  const one = { devices: devicesOf(trainer), rows, mixes, pace: paceFor(plan, ground, trainer) };
  if (single) return [{ name: 'worker', capabilities: ['sample', 'train'], ...one }];
  return [
    { name: 'trainer', capabilities: ['train'], ...one },
    ...samplers.map((group, index): SimulatedWorkerOptions => {
      const pace = paceFor(plan, ground, group);
      return { name: `sampler ${index + 1}`, capabilities: ['sample'], devices: devicesOf(group), rows, mixes, pace };
    }),
  ];
}

/** The pace of a group of GPUs. */
export function paceFor({ layout, packTokens }: Fit, { shape, gpu, workload }: Ground, { places }: Group): WorkerPace {
  const { recompute, offload } = workload.settings.trainer;
  const { single, trainer, samplers, turns } = layout;
  const tensorParallel = samplers[0]?.places.length ?? 1;
  const sampled = keptBytes(samplerShare(workload, shape, tensorParallel).items);
  return paceOf({
    shape,
    gpu,
    gpus: places.length,
    spansHosts: new Set(places.map(({ host }) => host)).size > 1,
    recompute,
    offload,
    packTokens,
    // Where both fit at once nobody need go.
    kept: turns
      ? {
          sample: sampled,
          train: keptBytes(trainerItems(workload, shape, { gpus: trainer.places.length, single, packTokens })),
        }
      : { sample: 0, train: 0 },
    switched: workload.backend === 'vllm' ? sampled : 0,
  });
}

function devicesOf({ places }: Group): string[] {
  return places.map(({ host, gpu }) => `${host}/${gpu}`);
}
