import type { Adam, Sampling } from '../protocol/generated.ts';

/** One policy's GRPO phase. The sizes multiply: a step draws `prompts * rollouts` samples. */
export interface PhaseSettings {
  /** Optimisation steps: sample, score, update, publish. */
  steps: number;
  /** Conversations per step. */
  prompts: number;
  /** Samples per conversation; the group over which advantages are taken. */
  rollouts: number;
  /** Sequences per optimiser update; a step makes `prompts * rollouts / miniBatch` updates. */
  miniBatch: number;
  sampling: Sampling;
  optimizer: Adam;
  /** PPO ratio bounds 1 - clipLow and 1 + clipHigh, and the bound for negative advantages (0: off). */
  clipLow: number;
  clipHigh: number;
  dualClip: number;
  /** Weight of KL(policy || the phase's initial policy), paper section 4.1. */
  klCoef: number;
}

/** How the frozen Solver answers a question when its agreement is measured. */
export interface AnsweringSettings {
  /** Answers per question, the paper's m. */
  votes: number;
  sampling: Sampling;
}

/**
 * The whole method, or one thing taken from it:
 * - `full`: R-Zero as published.
 * - `untrained-challenger`: the base model writes the questions in every iteration.
 * - `shuffled-labels`: pseudo-labels are permuted among the kept questions.
 * - `random-rewards`: the Solver's rewards are coin flips.
 * - `no-filter`: every question that has a label is kept.
 * - `no-repetition`: the Challenger's repetition penalty is off.
 */
export const ARMS = [
  'full',
  'untrained-challenger',
  'shuffled-labels',
  'random-rewards',
  'no-filter',
  'no-repetition',
] as const;
export type Arm = (typeof ARMS)[number];

/** Everything that decides what a run computes. A run is a function of this and of the base model. */
export interface Settings {
  seed: number;
  iterations: number;
  arm: Arm;
  /** Base model: a Hugging Face folder or hub name. */
  model: string;
  challenger: PhaseSettings & { reward: 'paper' };
  questions: {
    /** Candidates the trained Challenger writes, the paper's N. */
    candidates: number;
    sampling: Sampling;
    /** Kept iff |agreement - 1/2| <= delta. */
    delta: number;
  };
  answering: AnsweringSettings;
  solver: PhaseSettings;
  evaluation: {
    /** Held-out problems. */
    problems: number;
    /** Samples per problem for mean@k and majority@k. */
    samples: number;
    sampling: Sampling;
  };
}
