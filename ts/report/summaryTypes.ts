import type { Arm } from '../domain/settings.ts';
import type { Phase } from '../ports/reporter.ts';

/** A figure over the questions of an exam with its 95 % interval, all in percent or percentage points. */
export interface Figure {
  value: number;
  low: number;
  high: number;
}

/** The marks of one model on the exam. `mean` and `majority` are absent where nothing was sampled. */
export interface Scores {
  questions: number;
  /** Samples a question, the k of mean@k and majority@k; 0 where nothing was sampled. */
  samples: number;
  greedy?: Figure;
  mean?: Figure;
  majority?: Figure;
  /** mean@k when every answer is made to start as a worked one. */
  worked?: Figure;
  /** How the answers were written, of the greedy ones and of the sampled ones. Shares and accuracies in [0, 1]. */
  greedyStyle?: Style;
  sampledStyle?: Style;
  /** Accuracy by number of steps, where the exam's questions have such a number. Percent. */
  bySteps: readonly StepScores[];
}

/** How often answers are worked out, and how often they are right in each style. Shares in [0, 1]. */
export interface Style {
  workedShare: number;
  accuracyWorked: number | null;
  accuracyTerse: number | null;
}

/** Accuracy in percent on the questions of one length. */
export interface StepScores {
  steps: number;
  questions: number;
  greedy?: number;
  mean?: number;
  majority?: number;
}

/** A gain over the base model in percentage points, paired by question, and where it comes from. */
export interface Gain {
  figure: Figure;
  /** `choosing + slips` is the gain: from working problems out more often, and from fewer slips in each style. */
  parts?: { choosing: number; slips: number };
}

/** What changed from the base model to another. */
export interface Comparison {
  greedy?: Gain;
  mean?: Gain;
  majority?: Gain;
  /** Of the questions that the later model answers right, the share that the base got right at least once. */
  withinReach: number | null;
}

/** What the truth says about a set of questions; shares in [0, 1], null over an empty set. */
export interface QuestionFigures {
  count: number;
  wellPosed: number | null;
  meanSteps: number | null;
  multiplications: number | null;
  distinct: number | null;
  heldOut: number | null;
  inExam: number | null;
  labelAccuracy: number | null;
  labelAccuracyWellPosed: number | null;
  trainedLabelAccuracy?: number;
}

/** The truth about one iteration's questions: all that could be read, and those that were trained on. */
export interface Audit {
  asked: QuestionFigures;
  kept: QuestionFigures;
}

/** A line of metrics.jsonl: of one step, of a whole phase, or a warning. */
export interface MetricsRecord {
  kind: string;
  iteration: number;
  phase: Phase;
  step?: number;
  [metric: string]: unknown;
}

/** What a run was asked to do. */
export interface RunFacts {
  preset: string;
  arm: Arm;
  seed: number;
  model: string;
  iterations: number;
  exam: string;
}

/** What a run came to. Free of times and of absolute paths: two runs of one seed give the same summary. */
export interface RunSummary {
  run: RunFacts;
  /** Iteration 0 is the base model. */
  evaluations: readonly { iteration: number; scores: Scores; gain: Comparison | null }[];
  iterations: readonly IterationSummary[];
}

/** How one iteration's training went. */
export interface IterationSummary {
  iteration: number;
  phases: Partial<Record<Phase, PhaseSummary>>;
  audit: Audit | null;
  warnings: readonly string[];
}

/** A phase's metrics; null is what came out as no number. */
export interface PhaseSummary {
  /** Optimisation steps; 0 in a phase that has none. */
  steps: number;
  /** Means over the steps. */
  mean: Record<string, number | null>;
  /** What the phase ended with: its own figures, or those of its last step. */
  last: Record<string, number | null>;
}
