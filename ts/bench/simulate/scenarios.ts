import { loadConfig } from '../../config/load.ts';
import type { Settings } from '../../domain/settings.ts';
import { PlacementError } from '../../placement/errors.ts';
import { gpuNamed } from '../../placement/gpu.ts';
import type { Cluster, Layout } from '../../placement/layout.ts';
import { knownShape } from '../../placement/models.ts';
import { decide, isRefusal, type Plan, type Wishes } from '../../placement/plan.ts';
import type { ModelShape } from '../../placement/shape.ts';
import type { Workload } from '../../placement/workload.ts';
import { playFixedSplit } from '../../simulate/fixedSplit.ts';
import { fleetOf, type Ground, paceFor } from '../../simulate/fleet.ts';
import { type Failures, play } from '../../simulate/play.ts';
import { type Played, phaseSeconds, type Usage, usageOf } from '../../simulate/played.ts';
import type { Lengths } from '../../simulate/site.ts';

/** The model of the paper's main results. Base models of its kind have no other shape. */
export const MODEL = 'Qwen/Qwen3-4B-Base';

/**
 * Lengths in tokens; nobody has published any. A base model thinks before it asks; its answers to competition problems are of a few
 * hundred to a few thousand tokens, and about one in a hundred goes on to the end.
 */
export const LENGTHS: Lengths = {
  challengerPrompt: 130,
  solverPrompt: 150,
  question: { mean: 500, sigma: 0.6 },
  answer: { mean: 800, sigma: 0.8 },
};

/** Most samples of a request. */
export const REQUEST_SAMPLES = 64;

/** What a run at other sizes than the paper's does. */
export interface Sizes {
  iterations: number;
  /** Of prompts, candidates and mini-batches: so many times as many. */
  scale: number;
  challengerSteps: number;
  solverSteps: number;
}

export const PAPER_SIZES: Sizes = { iterations: 3, scale: 1, challengerSteps: 5, solverSteps: 15 };

/** A run that was played, and what there is to say of it. */
export interface Result {
  gpu: string;
  gpus: number;
  layout: string;
  rows: number;
  hours: number;
  phaseHours: Record<'challenger' | 'questions' | 'solver', number>;
  usage: Usage;
  dollars: number;
  samples: number;
  tokens: number;
  lostTokens: number;
  failed: number;
  /** Seconds of this machine's processor that playing it took. */
  cpuSeconds: number;
}

/** Settings of the preset `paper` at other sizes. */
export function settingsOf({ iterations, scale, challengerSteps, solverSteps }: Sizes): Settings {
  const { challenger, questions, solver, ...rest } = loadConfig({ preset: 'paper' });
  const scaled = (count: number): number => Math.max(1, Math.round(count * scale));
  const phase = <T extends { prompts: number; miniBatch: number }>(of: T, steps: number): T => ({
    ...of,
    steps,
    prompts: scaled(of.prompts),
    miniBatch: scaled(of.miniBatch),
  });
  return {
    ...rest,
    iterations,
    challenger: phase(challenger, challengerSteps),
    questions: { ...questions, candidates: scaled(questions.candidates) },
    solver: phase(solver, solverSteps),
  };
}

/** GPUs on hosts of eight. */
export function clusterOf(gpu: string, gpus: number): Cluster {
  return { hosts: Math.max(1, gpus / 8), gpusPerHost: Math.min(8, gpus), gpu: gpuNamed(gpu) };
}

/** Play a run of ours, in the layout that fits the wishes best. */
export async function playOurs(
  cluster: Cluster,
  sizes: Sizes,
  wishes: Partial<Wishes> = {},
  failures?: Failures,
): Promise<{ result: Result; played: Played }> {
  const settings = settingsOf(sizes);
  const { plan, ground } = planOf(cluster, settings, wishes);
  const scenario = {
    settings,
    workers: fleetOf(plan, ground),
    lengths: LENGTHS,
    requestSamples: REQUEST_SAMPLES,
    // Where both fit at once they would still compute one after another.
    turns: plan.layout.kind === 'colocated',
    ...(failures === undefined ? {} : { failures }),
  };
  return timed(cluster, nameOf(plan.layout), plan.rows, () => play(scenario));
}

/** Play the published code's run: one half of the GPUs trains, the other answers. */
export async function playTheirs(cluster: Cluster, sizes: Sizes): Promise<{ result: Result; played: Played }> {
  const settings = settingsOf(sizes);
  const half = (cluster.hosts * cluster.gpusPerHost) / 2;
  // Each of its engines holds one model: the one that it rolls out, or the one that answers.
  const one: Settings = {
    ...settings,
    roles: { ...settings.roles, judge: 'current' },
    challenger: { ...settings.challenger, klCoef: 0 },
    solver: { ...settings.solver, klCoef: 0 },
  };
  const { plan, ground } = planOf(cluster, one, { layout: 'apart', trainerGpus: half, tensorParallel: 1 });
  const { trainer, samplers } = plan.layout;
  const engine = paceFor(plan, ground, samplers[0] as Layout['trainer']);
  const split = {
    settings,
    lengths: LENGTHS,
    half,
    rows: plan.rows,
    engine,
    trainer: paceFor(plan, ground, trainer),
  };
  return timed(cluster, `fixed split ${half} + ${half}`, plan.rows, () => playFixedSplit(split));
}

function planOf(cluster: Cluster, settings: Settings, wishes: Partial<Wishes>): { plan: Plan; ground: Ground } {
  const workload: Workload = { backend: 'vllm', settings };
  const shape = knownShape(MODEL) as ModelShape;
  const plan = decide(cluster, shape, workload, { layout: 'auto', trainerGpus: 0, tensorParallel: 0, ...wishes });
  if (isRefusal(plan)) throw new PlacementError(plan.reason);
  return { plan, ground: { shape, gpu: cluster.gpu, workload } };
}

async function timed(cluster: Cluster, layout: string, rows: number, run: () => Promise<Played>) {
  const before = process.cpuUsage();
  const played = await run();
  const { user, system } = process.cpuUsage(before);
  const hours = played.seconds / 3600;
  const gpus = cluster.hosts * cluster.gpusPerHost;
  const { challenger, questions, solver } = phaseSeconds(played);
  const { samples, tokens, lostTokens, failed } = played;
  const result: Result = {
    gpu: cluster.gpu.name,
    gpus,
    layout,
    rows,
    hours,
    phaseHours: { challenger: challenger / 3600, questions: questions / 3600, solver: solver / 3600 },
    usage: usageOf(played),
    dollars: hours * gpus * cluster.gpu.dollarsPerHour,
    samples,
    tokens,
    lostTokens,
    failed,
    cpuSeconds: (user + system) / 1e6,
  };
  return { result, played };
}

/** A layout in a few words. */
function nameOf({ kind, single, trainer, samplers, turns }: Layout): string {
  if (single) return 'one worker';
  const each = samplers[0]?.places.length ?? 1;
  const sampling = each === 1 ? `${samplers.length}` : `${samplers.length} x ${each}`;
  return `${kind}${turns ? ', in turns' : ''}: ${trainer.places.length} train, ${sampling} sample`;
}
