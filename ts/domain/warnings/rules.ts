import type { Shortfall } from '../curriculum.ts';

/** What a warning leads to: nothing, the end of the run, or a next iteration that begins from the best Solver so far. */
export const ACTIONS = ['none', 'stop', 'roll-back'] as const;
export type Action = (typeof ACTIONS)[number];

interface Acting {
  action: Action;
}

/** When each warning is given, and what it leads to, by its name. Thresholds are exclusive: at one, nothing is said. */
export type WarningRules = {
  diversity: DiversityRule & Acting;
  labels: LabelsRule & Acting;
  'no-box': NoBoxRule & Acting;
  length: LengthRule & Acting;
  entropy: EntropyRule & Acting;
  mismatch: MismatchRule & Acting;
  'nothing-kept': NothingKeptRule & Acting;
  accuracy: AccuracyRule & Acting;
};

export type WarningName = keyof WarningRules;

export interface DiversityRule {
  /** Least distinct texts, as a share of the well-formed questions. */
  distinct: number;
  /** Least distinct 2-grams of words, as a share of those of the first iteration. */
  bigrams: number;
  /** Largest share of a Challenger step that is in one repetition cluster. */
  cluster: number;
}

export interface LabelsRule {
  /** Least share of audited labels that are right. */
  floor: number;
  /** The most that this share may be below its best. */
  fall: number;
  /** Kept questions an iteration whose label is compared with the truth of the exam's domain; 0: none. */
  audit: number;
  /** A file of questions with known answers, which the Solver answers; '' for none. */
  probe: string;
}

export interface NoBoxRule {
  /** Largest share of answers without a box. */
  share: number;
  /** The most that it may be above the first. */
  rise: number;
}

export interface LengthRule {
  /** Longest questions, in mean lengths of the first step's. */
  questions: number;
  /** Longest answers, in the same way. */
  answers: number;
  /** Largest share of samples that are cut off at maxTokens. */
  cut: number;
}

export interface EntropyRule {
  /** Least entropy of a policy's tokens, as a share of the first step's. */
  share: number;
}

export interface MismatchRule {
  /** Largest KL(sampler || trainer), nats a token. */
  samplerKl: number;
  /** Largest share of trained tokens whose importance weight is capped. */
  capped: number;
}

export interface NothingKeptRule {
  /** Fewest kept questions, in batches of the Solver. */
  batches: number;
}

export interface AccuracyRule {
  /** The most that it may be below its best, in half widths of the 95 % interval of the difference. */
  intervals: number;
}

/** What of a run's settings a warning needs to know to be judged and to say what happens. */
export interface WarningFacts {
  /** Questions of a Solver's batch. */
  prompts: number;
  shortfall: Shortfall;
}

/** Whether any warning may roll the run back: the held-out exam then decides which weights an iteration starts from. */
export function rollsBack(rules: WarningRules): boolean {
  return Object.values(rules).some(({ action }) => action === 'roll-back');
}
