import type { Adam, KlEstimator, Loss, Sampling, Training } from '../protocol/generated.ts';
import type { CreditRule } from './advantage.ts';
import type { Order, Shortfall } from './curriculum.ts';
import type { CurriculumRule } from './gates.ts';
import type { ChallengerRule, SolverRule } from './reward.ts';
import type { WarningRules } from './warnings/rules.ts';

/** Losses by name, and estimators of the KL term (proto/README.md, What the verbs compute). */
export const LOSSES = ['policy_gradient', 'grpo', 'gspo', 'cispo'] as const satisfies readonly Loss[];
export const KL_ESTIMATORS = ['k1', 'k2', 'k3'] as const satisfies readonly KlEstimator[];

/**
 * What the loss of an update is a mean of:
 * - `token`: of its trained tokens, whatever sequence they are in (DAPO, arXiv 2503.14476).
 * - `sequence`: of its sequences, of which each is the mean of its tokens (GRPO, arXiv 2402.03300).
 * - `constant`: of all the tokens that its sequences could have had, `sampling.maxTokens` each, so that the length
 *   of a sequence does not decide what its tokens weigh (Dr. GRPO, arXiv 2503.20783).
 */
export const AGGREGATIONS = ['token', 'sequence', 'constant'] as const;
export type LossAggregation = (typeof AGGREGATIONS)[number];

/** One policy's training phase. The sizes multiply: a step draws `prompts * rollouts` samples. */
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
  loss: Loss;
  aggregation: LossAggregation;
  /**
   * Ratio bounds 1 - clipLow and 1 + clipHigh, and the bound for negative advantages (0: off). The losses `cispo` and
   * `policy_gradient` have no use for the last, and `policy_gradient` for none.
   */
  clipLow: number;
  clipHigh: number;
  dualClip: number;
  /** Weight of KL(policy || the anchor), paper section 4.1, and what it is estimated by. */
  klCoef: number;
  klEstimator: KlEstimator;
  /**
   * Truncated importance sampling: a token's policy term weighs policy / sampler, at most this, so that what the
   * sampler computes otherwise than the trainer (or cuts off: topP, topK) does not bias the gradient. 0 is off.
   */
  importanceCap: number;
  /** What becomes of the rewards. */
  credit: CreditRule;
  /**
   * What share of conversations is asked beyond `prompts`: a step takes those that are answered first, and nobody waits
   * for the last ones. Long answers are then rarer than the policy gives them, and which ones are missing depends on
   * how fast they are drawn. 0 is off.
   */
  overAsk: number;
}

/** Who starts from what. */
export interface Roles {
  /** Two models, or one that learns both roles in turn: its Solver phase goes on from its Challenger phase. */
  models: 'two' | 'one';
  /** What a Challenger phase starts from: the previous Challenger, the latest Solver, or the base model. */
  challengerFrom: 'previous' | 'solver' | 'base';
  /**
   * What the KL term holds a policy to: the weights that its phase started from, the base model, or an exponential
   * moving average of the policy's own weights that begins with the phase.
   */
  anchor: 'phase' | 'base' | 'ema';
  /** Of the moving average, in [0, 1): what an update of the policy leaves of it; the rest is the policy's weights. */
  anchorDecay: number;
  /**
   * Whose answers p is the agreement of: the Solver's as it was when the iteration began; where one model has both
   * roles, also its weights of the moment; or the last few Solvers', who share the m samples out.
   */
  judge: 'frozen' | 'current' | 'ensemble';
  /** How many Solvers an ensemble has at most, the latest first; the base model is the first of all. */
  ensemble: number;
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

/** Whose models stay when nothing needs them any more: of every iteration, of the best and the last, or of the last. */
export const KEPT_MODELS = ['every', 'best', 'last'] as const;

/** What a run keeps on disk: of no effect on what comes of it. */
export interface StorageSettings {
  /** Steps between the checkpoints that a phase can go on from. */
  checkpointEvery: number;
  /** Checkpoints of the phase that is under way. */
  keepCheckpoints: number;
  keepModels: (typeof KEPT_MODELS)[number];
  /** Whether recorded samples stay when their phase is over. */
  keepAnswers: boolean;
}

/** Everything that decides what a run computes. A run is a function of this and of the base model. */
export interface Settings {
  seed: number;
  iterations: number;
  arm: Arm;
  /** Base model: a Hugging Face folder or hub name. */
  model: string;
  rewards: {
    /** `module`: a file with the user's own reward, '' for none. What it does not decide is the rule's. */
    challenger: ChallengerRule & { module: string };
    solver: SolverRule;
  };
  roles: Roles;
  /** How the worker trains a model: what this costs, hardly what comes of it, adapters aside. */
  trainer: Training;
  challenger: PhaseSettings;
  questions: CurriculumRule & {
    /** Candidates the trained Challenger writes, the paper's N. */
    candidates: number;
    sampling: Sampling;
    /** Answers per candidate; null for as many as `answering.votes`. */
    votes: number | null;
    /** Answers drawn at a time, until no further one can change what becomes of the question; 0 draws all at once. */
    answersPerRound: number;
    order: Order;
    shortfall: Shortfall;
    /** How many times `resample` asks again. */
    resamples: number;
    /** What share of candidates is asked for beyond `candidates`; as `PhaseSettings.overAsk`. */
    overAsk: number;
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
  storage: StorageSettings;
  warnings: WarningRules;
}
