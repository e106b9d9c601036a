import { ConfigError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { PlacementError } from '../placement/errors.ts';
import { type Gpu, gpuFound, gpuNamed } from '../placement/gpu.ts';
import type { Cluster } from '../placement/layout.ts';
import { decide, isRefusal, type Plan } from '../placement/plan.ts';
import type { Refusal } from '../placement/refusal.ts';
import type { ModelShape } from '../placement/shape.ts';
import { GIB } from '../placement/units.ts';
import type { Workload } from '../placement/workload.ts';
import { refusalText } from '../report/plan.ts';
import { findGpus } from '../worker/foundGpus.ts';
import { modelShape } from './modelShape.ts';

/** Where a configuration's run is to compute, on which model. */
export interface Placement {
  cluster: Cluster;
  shape: ModelShape;
  workload: Workload;
  decision: Plan | Refusal;
}

/** A placement that fits. */
export type Placed = Placement & { decision: Plan };

interface Where {
  env: NodeJS.ProcessEnv;
  workingFolder: string;
}

/**
 * Plan a configuration's run on the GPUs that it names, or on those of this machine.
 *
 * @returns undefined where there are none, or the backend uses none
 * @throws PlacementError, ConfigError
 */
export async function placementOf(config: Config, { env, workingFolder }: Where): Promise<Placement | undefined> {
  const { backend } = config.worker;
  if (backend === 'mock') return undefined;
  const cluster = await clusterOf(config, env);
  if (cluster === undefined) return undefined;
  const shape = await modelShape(config.model, env, workingFolder);
  const workload: Workload = { backend, settings: config };
  return { cluster, shape, workload, decision: decide(cluster, shape, workload, config.placement) };
}

/**
 * What `rzero run` computes with: what is planned on this machine's GPUs where nobody settled by hand how many workers
 * there are, or on those of others where all workers dial in.
 *
 * @returns undefined where workers are counted by hand
 * @throws ConfigError for what does not fit, is not here, or cannot be planned
 */
export async function placeRun(config: Config, where: Where): Promise<Placed | undefined> {
  const { worker, placement } = config;
  if (worker.count || worker.trainerProcesses > 1) return undefined;
  if (worker.count === 0) {
    // Those who dial in are as planned where it is said which GPUs they have: those here are not meant.
    if (placement.gpusPerHost === 0 || placement.gpu === '') return undefined;
  } else if (placement.hosts === 1) {
    // Those who dial in may be meant for GPUs of this very machine.
    if (worker.listen !== '') return undefined;
    const here = worker.backend === 'mock' ? [] : await findGpus(where.env);
    requireGpus(placement.gpusPerHost, here.length);
    if (here.length === 0) return undefined;
  }
  const planned = await placementOf(config, where).catch((error: unknown) => {
    if (!(error instanceof PlacementError)) throw error;
    throw new ConfigError(`${error.message} (worker.count=1 starts one worker without a plan)`);
  });
  if (planned === undefined) return undefined;
  const { decision } = planned;
  if (isRefusal(decision)) throw new ConfigError(refusalText(planned.shape, decision));
  return { ...planned, decision };
}

/** @throws ConfigError where this machine has fewer GPUs than are planned on */
export function requireGpus(gpusPerHost: number, here: number): void {
  if (gpusPerHost <= here) return;
  const has = here === 1 ? '1 GPU' : `${here} GPUs`;
  throw new ConfigError(`option "placement.gpusPerHost" is ${gpusPerHost}: this machine has ${has}`);
}

/**
 * Refuse a plan whose GPUs put more into the host's memory than it has: what sleeps, is not drawn from, or is offloaded.
 *
 * @param memoryBytes of this machine
 * @throws ConfigError
 */
export function requireHostMemory({ decision, workload }: Placed, memoryBytes: number): void {
  const { hostBytes, layout } = decision;
  if (hostBytes <= memoryBytes) return;
  const [needed, has] = [hostBytes, memoryBytes].map((bytes) => `${(bytes / GIB).toFixed(1)} GiB`);
  const why = layout.turns
    ? 'its GPUs take turns, and what sleeps waits there'
    : workload.settings.trainer.offload
      ? 'trainer.offload keeps it there'
      : 'models wait there while vLLM draws from another';
  const hint = layout.turns
    ? ' (worker.count=1 starts one worker without a plan, placement.layout=apart takes no turns)'
    : '';
  throw new ConfigError(`the plan needs ${needed} of the host's memory, which has ${has}: ${why}${hint}`);
}

async function clusterOf({ placement }: Config, env: NodeJS.ProcessEnv): Promise<Cluster | undefined> {
  const { hosts, gpusPerHost, gpu } = placement;
  if (gpu !== '' && gpusPerHost > 0) return { hosts, gpusPerHost, gpu: gpuNamed(gpu) };
  const found = (await findGpus(env)).map(({ name, memoryBytes }) => gpuFound(name, memoryBytes));
  // Where they differ, the smallest decides.
  const smallest = found.reduce<Gpu | undefined>((a, b) => (a && a.memoryBytes <= b.memoryBytes ? a : b), undefined);
  if (smallest === undefined) {
    if (gpusPerHost > 0) {
      throw new ConfigError('option "placement.gpu" is "": this machine has no GPU, so say which (h100, a100-80, ...)');
    }
    if (gpu !== '') {
      throw new ConfigError('option "placement.gpusPerHost" is 0: this machine has no GPU, so say how many');
    }
    return undefined;
  }
  return { hosts, gpusPerHost: gpusPerHost || found.length, gpu: gpu === '' ? smallest : gpuNamed(gpu) };
}
