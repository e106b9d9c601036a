import type { PhaseSettings, Settings } from '../domain/settings.ts';
import type { ModelShape } from './shape.ts';

/** Tokens of a prompt: the Challenger's is fixed, a question has a few dozen to a few hundred. */
export const PROMPT_TOKENS = 512;

/** A sample's mean length as a share of `maxTokens`: most answers end long before it. */
export const SAMPLE_SHARE = 0.3;

/** Most tokens of a pack on a GPU where nobody says, and of every smaller one that is tried (as the worker has it). */
const PACK_TOKENS = 16_384;

/** What of a configuration decides which memory and which time a run takes. */
export interface Workload {
  /** Who samples; who trains apart from that is always `torch`. */
  backend: 'torch' | 'vllm';
  settings: Pick<
    Settings,
    'challenger' | 'questions' | 'answering' | 'solver' | 'evaluation' | 'roles' | 'trainer' | 'iterations'
  >;
}

/** Samples to be drawn: so many of each of so many prompts. */
export interface Draw {
  prompts: number;
  each: number;
  /** Most tokens of a sample. */
  maxTokens: number;
}

/** A batch to be trained on. */
export interface Batch {
  /** Of all its sequences, a prompt that several share counted once. */
  tokens: number;
  /** Tokens of a sequence. */
  length: number;
  /** Optimiser updates that it is cut into. */
  updates: number;
  /** Forward passes before: for old log-probs, and for those of the KL term's anchor. */
  scorings: number;
}

/** One kind of work that an iteration consists of, and how often it does. */
export interface Piece {
  name: 'Challenger step' | 'questions' | 'Solver step' | 'evaluation';
  times: number;
  /** Models that are drawn from, one after another. */
  models: number;
  draws: readonly Draw[];
  batch?: Batch;
  /**
   * What a trainer does while samples are still drawn, where it has GPUs of its own. All log-probs are needed before the
   * first update: so a Solver's samples are scored while others are drawn, and a Challenger, whose proposals are there
   * before their answers, is trained while the last questions are answered.
   */
  overlaps: 'nothing' | 'scoring' | 'training';
}

/** An iteration's work at expected lengths, as the loop does it. */
export function piecesOf({ settings }: Workload, shape: ModelShape): Piece[] {
  const { challenger, questions, answering, solver, evaluation } = settings;
  const answers = (prompts: number, each: number): Draw => draw(shape, prompts, each, answering.sampling.maxTokens);
  const asked = challenger.prompts * challenger.rollouts;
  const { samples, problems } = evaluation;
  const models = modelsSampled({ settings });
  return [
    {
      name: 'Challenger step',
      times: challenger.steps,
      models,
      draws: [sampled(shape, challenger), answers(asked, answering.votes)],
      batch: batchOf(shape, challenger),
      overlaps: 'training',
    },
    {
      name: 'questions',
      times: 1,
      models,
      draws: [
        draw(shape, 1, questions.candidates, questions.sampling.maxTokens),
        answers(questions.candidates, questions.votes ?? answering.votes),
      ],
      overlaps: 'nothing',
    },
    {
      name: 'Solver step',
      times: solver.steps,
      models: 1,
      draws: [sampled(shape, solver)],
      batch: batchOf(shape, solver),
      overlaps: 'scoring',
    },
    {
      name: 'evaluation',
      times: 1,
      models: 1,
      // Each problem greedily, sampled, and sampled again where the exam begins the answer.
      draws: [draw(shape, problems, 2 * samples + 1, evaluation.sampling.maxTokens)],
      overlaps: 'nothing',
    },
  ];
}

/** What a whole run comes to, at expected lengths. */
export function totals(workload: Workload, shape: ModelShape): { samples: number; sampled: number; trained: number } {
  const total = { samples: 0, sampled: 0, trained: 0 };
  for (const { times, draws, batch } of piecesOf(workload, shape)) {
    const all = times * workload.settings.iterations;
    for (const { prompts, each, maxTokens } of draws) {
      total.samples += all * prompts * each;
      total.sampled += all * prompts * each * SAMPLE_SHARE * maxTokens;
    }
    total.trained += all * (batch?.tokens ?? 0);
  }
  return total;
}

/** Models that whoever samples draws from: the policy, and those who judge it. */
export function modelsSampled({ settings }: Pick<Workload, 'settings'>): number {
  const { judge, ensemble } = settings.roles;
  const judges = { frozen: 1, current: 0, ensemble: Math.min(ensemble, settings.iterations) }[judge];
  return 1 + judges;
}

/** Whether a KL term holds some policy to an anchor. */
export function hasAnchor({ challenger, solver }: Workload['settings']): boolean {
  return challenger.klCoef > 0 || solver.klCoef > 0;
}

/** Tokens of the longest sequence, and of one of mean length. */
export function longestRow({ settings }: Workload, shape: ModelShape): number {
  const { challenger, questions, answering, solver, evaluation } = settings;
  const longest = [challenger, questions, answering, solver, evaluation].map(({ sampling }) => sampling.maxTokens);
  return Math.min(shape.contextLength, PROMPT_TOKENS + Math.max(...longest));
}

export function meanRow(workload: Workload, shape: ModelShape): number {
  return promptOf(shape) + SAMPLE_SHARE * (longestRow(workload, shape) - promptOf(shape));
}

/** Samples of the phase that draws most at once. */
export function mostSamples(workload: Workload, shape: ModelShape): number {
  return Math.max(
    ...piecesOf(workload, shape).flatMap(({ draws }) => draws.map(({ prompts, each }) => prompts * each)),
  );
}

/** Sizes of packs that may be tried, the largest first: the one that is set, or halves of the worker's own. */
export function packSizes(workload: Workload, shape: ModelShape): number[] {
  const { packTokens } = workload.settings.trainer;
  if (packTokens > 0) return [packTokens];
  const least = longestRow(workload, shape);
  const sizes = [PACK_TOKENS];
  for (let size = PACK_TOKENS / 2; size >= least; size /= 2) sizes.push(size);
  return sizes;
}

/** Tokens of a prompt of a model, whose context may be short. */
export function promptOf({ contextLength }: ModelShape): number {
  return Math.min(PROMPT_TOKENS, Math.ceil(contextLength / 2));
}

function draw(shape: ModelShape, prompts: number, each: number, maxTokens: number): Draw {
  return { prompts, each, maxTokens: Math.min(maxTokens, shape.contextLength - promptOf(shape)) };
}

function sampled(shape: ModelShape, { prompts, rollouts, sampling }: PhaseSettings): Draw {
  return draw(shape, prompts, rollouts, sampling.maxTokens);
}

function batchOf(shape: ModelShape, phase: PhaseSettings): Batch {
  const { prompts, each, maxTokens } = sampled(shape, phase);
  const samples = prompts * each;
  const updates = samples / phase.miniBatch;
  return {
    tokens: prompts * promptOf(shape) + samples * SAMPLE_SHARE * maxTokens,
    length: promptOf(shape) + SAMPLE_SHARE * maxTokens,
    updates,
    scorings: (updates > 1 ? 1 : 0) + (phase.klCoef > 0 ? 1 : 0),
  };
}
