import { loadConfig } from '../../config/load.ts';
import type { PhaseSettings, Settings } from '../../domain/settings.ts';
import type { Wishes } from '../../placement/candidates.ts';
import { PlacementError } from '../../placement/errors.ts';
import { gpuNamed } from '../../placement/gpu.ts';
import type { Cluster, Layout } from '../../placement/layout.ts';
import { knownShape } from '../../placement/models.ts';
import { decide, isRefusal, type Plan } from '../../placement/plan.ts';
import type { ModelShape } from '../../placement/shape.ts';
import { playFixedSplit } from '../../simulate/fixedSplit.ts';
import { fleetOf, type Ground, paceFor } from '../../simulate/fleet.ts';
import { type Failures, play } from '../../simulate/play.ts';
import { type Played, phaseSeconds, type Usage, usageOf } from '../../simulate/played.ts';
import type { Lengths } from '../../simulate/site.ts';

/** The model of the paper's main results. */
export const MODEL = 'Qwen/Qwen3-4B-Base';

/**
 * Lengths in tokens; nobody has published any. A base model thinks before it asks; its answers to competition problems are of a
 * few hundred to a few thousand tokens, and about one in a hundred goes on to the end.
 */
export const LENGTHS: Lengths = {
  challengerPrompt: 130,
  solverPrompt: 150,
  question: { mean: 500, sigma: 0.6 },
  answer: { mean: 800, sigma: 0.8 },
};

/** Most samples of a request, as a run on vLLM has it. */
export const REQUEST_SAMPLES = 64;

/** How large a run is. */
export interface Sizes {
  iterations: number;
  /** Prompts, candidates and mini-batches, as a multiple of the paper's. */
  scale: number;
  challengerSteps: number;
  solverSteps: number;
  /** Candidates, as a share of what `scale` makes of them. */
  candidateShare: number;
  /** Answers a candidate. */
  votes: number;
  /** What share is asked for beyond what is needed, in every phase. */
  overAsk: number;
}

/** One iteration of the paper; it has three, which are alike. */
export const PAPER_SIZES: Sizes = {
  iterations: 1,
  scale: 1,
  challengerSteps: 5,
  solverSteps: 15,
  candidateShare: 1,
  votes: 10,
  overAsk: 0,
};

/** A fifth of an iteration. */
export const FIFTH = { challengerSteps: 1, solverSteps: 3, candidateShare: 1 / 5 } as const;

/** The published scripts take 6 and 20 steps, of which 5 and 15 are used, and 9 answers a candidate. */
export const PUBLISHED = { challengerSteps: 6, solverSteps: 20, votes: 9 } as const;

/** A run that was played, and what there is to say of it. */
export interface Result {
  gpu: string;
  gpus: number;
  layout: string;
  /** Samples that an engine decodes side by side. */
  rows: number;
  hours: number;
  phaseHours: Record<'challenger' | 'questions' | 'solver', number>;
  usage: Usage;
  dollars: number;
  samples: number;
  tokens: number;
  /** Samplers that failed, and tokens that were drawn for nobody. */
  failed: number;
  lostTokens: number;
  /** Of this machine's processor: the loop, the pool, and what simulates the rest. */
  cpuSeconds: number;
}

/** The settings of the preset `paper` at other sizes. */
export function settingsOf(sizes: Sizes): Settings {
  const { challenger, questions, solver, ...rest } = loadConfig({ preset: 'paper' });
  const { scale, overAsk, votes, iterations } = sizes;
  const scaled = (count: number): number => Math.max(1, Math.round(count * scale));
  const phase = (of: PhaseSettings, steps: number): PhaseSettings => ({
    ...of,
    steps,
    prompts: scaled(of.prompts),
    miniBatch: scaled(of.miniBatch),
    overAsk,
  });
  return {
    ...rest,
    iterations,
    challenger: phase(challenger, sizes.challengerSteps),
    questions: { ...questions, candidates: scaled(questions.candidates * sizes.candidateShare), votes, overAsk },
    solver: phase(solver, sizes.solverSteps),
  };
}

/** GPUs on hosts of eight. */
export function clusterOf(gpu: string, gpus: number): Cluster {
  return { hosts: Math.max(1, gpus / 8), gpusPerHost: Math.min(8, gpus), gpu: gpuNamed(gpu) };
}

/** A run and what it was played as. */
export interface Outcome {
  result: Result;
  played: Played;
}

/** Play a run of ours, in the layout that fits the wishes best. */
export async function playOurs(
  cluster: Cluster,
  sizes: Sizes,
  wishes: Partial<Wishes> = {},
  failures?: Failures,
): Promise<Outcome> {
  const settings = settingsOf(sizes);
  const { plan, ground } = planOf(cluster, settings, wishes);
  const scenario = {
    settings,
    workers: fleetOf(plan, ground),
    lengths: LENGTHS,
    requestSamples: REQUEST_SAMPLES,
    // Where both fit at once they would compute one after another all the same.
    turns: plan.layout.kind === 'colocated',
    ...(failures === undefined ? {} : { failures }),
  };
  const more = sizes.overAsk === 0 ? '' : `, ${100 * sizes.overAsk} % over-asked`;
  const moved = ground.workload.settings.trainer.offload ? ', offloaded' : '';
  return outcomeOf(cluster, `${nameOf(plan.layout)}${moved}${more}`, plan.rows, () => play(scenario));
}

/**
 * Seconds that the published repetition penalty takes for the 2,048 questions of a step: NLTK and scikit-learn on one core,
 * by `npm run bench -- rewards` (README, What repetition costs).
 */
export const REWARDS_SECONDS = 302;

/**
 * Play the published code's run: one half of the GPUs trains, the other answers.
 *
 * @param rewards seconds of a Challenger step's rewards on the processor
 */
export async function playTheirs(cluster: Cluster, sizes: Sizes, rewards = 0): Promise<Outcome> {
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
  const split = {
    settings,
    lengths: LENGTHS,
    half,
    rows: plan.rows,
    engine: paceFor(plan, ground, samplers[0] as Layout['trainer']),
    trainer: paceFor(plan, ground, trainer),
    rewards,
  };
  const steps = `${sizes.challengerSteps} and ${sizes.solverSteps} steps`;
  const also = rewards === 0 ? '' : `, ${rewards} s of rewards a step`;
  return outcomeOf(cluster, `fixed split ${half} + ${half}, ${steps}${also}`, plan.rows, () => playFixedSplit(split));
}

/** The fastest layout that fits; where none does, with what is trained in the host's memory. */
function planOf(cluster: Cluster, settings: Settings, wishes: Partial<Wishes>): { plan: Plan; ground: Ground } {
  const shape = knownShape(MODEL) as ModelShape;
  const open: Wishes = { layout: 'auto', trainerGpus: 0, tensorParallel: 0 };
  const plans = [false, true].map((offload) => {
    const workload = { backend: 'vllm', settings: { ...settings, trainer: { ...settings.trainer, offload } } } as const;
    return { plan: decide(cluster, shape, workload, { ...open, ...wishes }), workload };
  });
  for (const { plan, workload } of plans) {
    if (!isRefusal(plan)) return { plan, ground: { shape, gpu: cluster.gpu, workload } };
  }
  throw new PlacementError(`${MODEL} ${plans.map(({ plan }) => (isRefusal(plan) ? plan.reason : '')).join('; ')}`);
}

async function outcomeOf(cluster: Cluster, layout: string, rows: number, run: () => Promise<Played>): Promise<Outcome> {
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
    usage: usageOf(played, gpus),
    dollars: hours * gpus * cluster.gpu.dollarsPerHour,
    samples,
    tokens,
    failed,
    lostTokens,
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
