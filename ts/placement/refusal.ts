import type { Wishes } from './candidates.ts';
import { PlacementError } from './errors.ts';
import { attempts, type Misfit } from './fit.ts';
import type { Cluster } from './layout.ts';
import { type Item, sum } from './memory.ts';
import type { ModelShape } from './shape.ts';
import { GIB } from './units.ts';
import type { Workload } from './workload.ts';

/** Why nothing fits. */
export interface Refusal {
  /** One line: what is too large, and by how much. */
  reason: string;
  /**
   * Of which each alone makes it fit: changes of the configuration, as `--set` takes them, or more GPUs; and what they
   * do.
   */
  remedies: readonly { change: string; what: string }[];
}

/** Why nothing fits, and what would. */
export function refuse(
  cluster: Cluster,
  shape: ModelShape,
  workload: Workload,
  wishes: Wishes,
  misfits: readonly Misfit[],
): Refusal {
  return { reason: reasonOf(cluster, misfits), remedies: remediesOf(cluster, shape, workload, wishes) };
}

function reasonOf({ gpu, hosts, gpusPerHost }: Cluster, misfits: readonly Misfit[]): string {
  const { layout, ledger } = misfits.reduce((a, b) => (b.ledger.free > a.ledger.free ? b : a));
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
    return attempts(cluster, shape, workload, wishes).fits.length > 0;
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
