import type { Arm } from '../domain/settings.ts';
import type { Audit } from '../eval/audit.ts';
import type { Comparison } from '../eval/compare.ts';
import type { Scores } from '../eval/scores.ts';
import type { Phase } from '../ports/reporter.ts';

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
