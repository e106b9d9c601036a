import type { Figure } from './figures.ts';

/** Shares of responses, [0, 1]: what a score alone does not say. Null where there is no response. */
export interface ResponseRates {
  /** Cut off at the most tokens allowed. */
  truncated: number | null;
  /** Without a final answer. */
  noBox: number | null;
  /** Whose answer the grader could not decide on. */
  undecided: number | null;
}

/** The figures of one way of grading. One that nothing was drawn for is null. */
export interface Accuracies {
  greedy: Figure | null;
  /** mean@k. */
  mean: Figure | null;
  /** majority@k. */
  majority: Figure | null;
  /** pass@n without bias, for n = 1, 2, 4, ... up to k. */
  passAt: { n: number; figure: Figure }[];
}

/** A judge beside the rule grader. */
export interface JudgedScores extends Accuracies {
  /** Share of judged responses on which both agree, [0, 1], and Cohen's kappa; null where none was judged. */
  agreement: number | null;
  kappa: number | null;
  /** Responses that the judge gave a point, and that it took one from. */
  given: number;
  taken: number;
  /** Judgements that were asked for and not had; these responses keep the rule's mark. */
  missing: number;
}

/** What one model came to on one benchmark. */
export interface BenchmarkScores extends Accuracies {
  benchmark: string;
  title: string;
  group: string;
  items: number;
  /** Items that the benchmark has; where that is more, the first ones were sat, and the figures are not the benchmark's. */
  available: number;
  /** The k of mean@k; 0 where nothing was sampled. */
  samples: number;
  /** Which figure counts in the averages. */
  metric: 'greedy' | 'mean';
  origin: string;
  digest: string;
  /** Most new tokens of a response. */
  maxTokens: number;
  rates: { greedy: ResponseRates; sampled: ResponseRates };
  /** Mean length of a response in tokens. */
  meanTokens: { greedy: number | null; sampled: number | null };
  judged: JudgedScores | null;
}

/** Mean of benchmarks' figures, each weighing alike, as the paper has it; with its interval. */
export interface MacroAverage {
  figure: Figure;
  /** Those that it is a mean of. */
  benchmarks: string[];
  /** Those of the group that were not sat: the mean is not the paper's then. */
  missing: string[];
}

/** What `rzero eval` leaves in scores.json, and prints with `--json`: one model on some benchmarks. */
export interface ScoresDocument {
  version: 1;
  /** The program's. */
  program: string;
  model: {
    /** As it was asked for: a hub name, a folder, or RUN and the iteration's Solver. */
    name: string;
    /** SHA-256 (hex) of its manifest or files; null where only the hub knows. */
    identity: string | null;
    /** The backbone, where it is known: the base model of the run it is from, or the model itself. */
    backbone: string | null;
    /** 0 for a run's base; null where it is of no run. */
    iteration: number | null;
  };
  protocol: {
    temperature: number;
    topP: number;
    topK: number;
    seed: number;
    backend: string;
    /** Name and settings of the judge; null: the rule grader alone. */
    judge: { model: string; endpoint: string; temperature: number } | null;
  };
  benchmarks: BenchmarkScores[];
  /**
   * By group, rule-graded and judged; null where no benchmark of it was sat. Overall is the mean of the columns of the
   * paper's first version, the math average and each general benchmark; null where one of the two groups has none.
   */
  averages: Record<'math' | 'general' | 'overall', { rule: MacroAverage; judged: MacroAverage | null } | null>;
}
