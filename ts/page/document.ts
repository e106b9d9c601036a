import type { Figure } from '../eval/scores.ts';
import type { ScoresDocument } from '../eval/scoresDocument.ts';
import type { Phase } from '../ports/reporter.ts';

/**
 * All that the report of a run shows but its questions: `rzero report` writes it into the page, `rzero serve` answers it at
 * `data/run.json`. Shares are in [0, 1], figures in percent, times ISO 8601 UTC, durations seconds. What is not known is
 * null, so that a run that is under way has a report too.
 */
export interface RunDocument {
  version: 1;
  run: RunHead;
  /** One an iteration, 0 for the base model, in order; those that have begun. */
  iterations: IterationReport[];
  /** Every optimisation step on record, in order. */
  steps: StepReport[];
  /** Every phase that is done, in order. */
  phases: PhaseReport[];
  cost: CostReport;
  warnings: WarningReport[];
  /** What `rzero eval` left in the run's folder. */
  evaluations: ScoresDocument[];
  questions: QuestionsHead;
}

export interface RunHead {
  /** Name of its folder. */
  name: string;
  id: string | null;
  state: string;
  error: string | null;
  preset: string;
  arm: string;
  seed: number;
  model: string;
  iterations: number;
  /** What the Solver is examined with, and in how many problems and samples of each. */
  exam: { name: string; problems: number; samples: number };
  configHash: string | null;
  /** The configuration as YAML. */
  config: string;
  program: string;
  begun: string | null;
  changed: string | null;
}

export interface IterationReport {
  iteration: number;
  /** The Solver on the held-out problems; a mode that was not sat is null. */
  evaluation: { greedy: Figure | null; mean: Figure | null; majority: Figure | null; samples: number } | null;
  /** Gain over the base, paired by problem, in points, and the p-value of its paired test. */
  gain: { mean: Figure | null; greedy: Figure | null; pValue: number | null } | null;
  /** Means over the Challenger's steps of the phase. */
  challenger: {
    reward: number | null;
    uncertainty: number | null;
    repetition: number | null;
    wellFormed: number | null;
    distinct: number | null;
  } | null;
  questions: {
    candidates: number;
    kept: number;
    /** Candidates by fate, `kept` among them. */
    fates: Record<string, number>;
    /** How many answered candidates have a p-hat nearest to 0, 0.1, ..., 1. */
    agreements: number[];
    /** Distinct texts as a share of the well-formed candidates, and distinct two-grams as a share of all. */
    distinct: number | null;
    distinctBigrams: number | null;
    /** Of all answers to candidates. */
    noBox: number | null;
    /** Characters: mean length of a question, and of an answer. */
    questionLength: number | null;
    answerLength: number | null;
    /** Share of pseudo-labels that are true, of kept candidates and of all; null where no truth exists. */
    labelAccuracy: { kept: number | null; asked: number | null; wellPosed: number | null } | null;
  } | null;
  solver: { reward: number | null; kl: number | null; entropy: number | null; meanTokens: number | null } | null;
}

export interface StepReport {
  iteration: number;
  phase: Phase;
  step: number;
  /** By name, as in metrics.jsonl; what is no number is null. */
  metrics: Record<string, number | null>;
}

export interface PhaseReport {
  iteration: number;
  phase: Phase;
  seconds: number;
  /** Of its workers: tokens sampled, device-seconds there were, and of those busy; null where it is not on record. */
  activity: { tokens: number; deviceSeconds: number; busySeconds: number } | null;
}

export interface CostReport {
  seconds: number;
  /** Null where no phase has its activity on record. */
  tokens: number | null;
  deviceHours: number | null;
  busyShare: number | null;
  /** What a device-hour costs, as the reader of the report said; null where they did not. */
  pricePerHour: number | null;
  price: number | null;
  /** The sign or name of its currency. */
  currency: string;
}

export interface WarningReport {
  iteration: number;
  phase: Phase;
  at: string | null;
  message: string;
  /** Which early warning it is; null for other warnings. */
  name: string | null;
  /** What was done about it: `none`, `stop`, `roll-back`. */
  action: string | null;
}

/** What there is of questions, and how it is cut. */
export interface QuestionsHead {
  count: number;
  /** Questions of one part of the table, and of one part of the details. */
  tableSize: number;
  detailSize: number;
  /** Whether the details have the samples' texts; why not, where not. */
  samples: { included: boolean; reason: string | null };
  /** The agreements that are kept, bounds included; null where there is no such filter. */
  band: { low: number; high: number } | null;
  /** What `fate` and `phase` of a row count into. */
  fates: string[];
  phases: Phase[];
}

/**
 * One part of the table of all questions, by column; row r of part p is question p * tableSize + r. Questions are in the
 * order in which they were asked.
 */
export interface QuestionTable {
  /** The question; the Challenger's whole text where it has none. */
  text: string[];
  iteration: number[];
  /** Into `phases`: those that the Challenger asked in training, and candidates. */
  phase: number[];
  /** Of the Challenger's training; 0 for candidates. */
  step: number[];
  /** Into `fates`; -1 in training, where nothing is kept or dropped. */
  fate: number[];
  agreement: (number | null)[];
  /** Total reward; null for candidates, which earn none. */
  reward: (number | null)[];
  label: (string | null)[];
  /** Whether the label is true; null where no truth exists. */
  labelRight: (boolean | null)[];
  /** How often the Solver was trained on it. */
  trained: number[];
}

/** What is shown of a question when it is opened. */
export interface QuestionDetail {
  /** The Challenger's whole text, where it is on record. */
  text: string | null;
  /** Answers by the number of votes, most first; null: without a box. */
  votes: { answer: string | null; count: number }[];
  /** In the order drawn; absent where samples are left out. */
  samples: { text: string; answer: string | null; agrees: boolean }[] | null;
  /** Parts of the reward by name, `total` among them; null for candidates. */
  reward: Record<string, number | string | boolean | null> | null;
  advantage: number | null;
  /** Why it was kept or dropped, or what its reward came of, in a sentence. */
  why: string;
  /** What the truth is, where one exists. */
  truth: string | null;
  /** The Solver's training on it: mean reward of its rollouts, by step. */
  training: { iteration: number; step: number; reward: number; rollouts: number }[];
  /** Questions like it in later iterations, the likest first, by their number: how its kin did. */
  kin: { question: number; similarity: number }[];
}
