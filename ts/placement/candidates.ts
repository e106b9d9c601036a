import { PlacementError } from './errors.ts';
import { alone, apart, type Cluster, colocated, type Layout } from './layout.ts';
import type { ModelShape } from './shape.ts';
import type { Workload } from './workload.ts';

/** What a user has settled by hand. */
export interface Wishes {
  layout: 'auto' | 'colocated' | 'apart';
  /** GPUs that train; 0 leaves it open. */
  trainerGpus: number;
  /** GPUs of a sampler; 0 leaves it open. */
  tensorParallel: number;
}

/** Every layout that the wishes leave open; those of a family differ in `tensorParallel` alone, the smallest first. */
export function families(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): Layout[][] {
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
