import { type Answered, type AnsweredItem, byJudge, byRule } from './answeredItem.ts';
import { metricValues } from './benchmarkScores.ts';
import type { SatBenchmark } from './evaluationDocument.ts';
import { macroAverage } from './figures.ts';
import type { MacroAverage, ScoresDocument } from './scoresDocument.ts';

/** A benchmark that was sat, as averages need it. */
export interface Sat {
  name: string;
  sat: SatBenchmark;
  answered: readonly AnsweredItem[];
}

/** Names of the benchmarks that the paper takes its averages over. */
export interface PaperSuites {
  math: readonly string[];
  general: readonly string[];
}

/**
 * The paper's macro averages. A group's is the mean of its benchmarks' figures, each by its own metric. Overall is the mean
 * of the columns of its first version: the math average, and each general benchmark (SuperGPQA, MMLU-Pro, BBEH).
 *
 * @param seed of the resampling
 * @param judged whether a judge was asked
 */
export function macroAverages(
  benchmarks: readonly Sat[],
  suites: PaperSuites,
  seed: number,
  judged: boolean,
): ScoresDocument['averages'] {
  const both = (
    columnsOf: (counted: readonly string[]) => readonly (readonly string[])[],
    names: readonly string[],
  ) => {
    const rule = average(benchmarks, columnsOf, names, byRule, seed);
    return rule && { rule, judged: judged ? average(benchmarks, columnsOf, names, byJudge, seed) : null };
  };
  const each = (counted: readonly string[]) => counted.map((name) => [name]);
  const columns = (counted: readonly string[]) => {
    const [math, general] = [suites.math, suites.general].map((suite) =>
      counted.filter((name) => suite.includes(name)),
    );
    // One group alone has its own average.
    return math?.length && general?.length ? [math, ...each(general)] : [];
  };
  return {
    math: both(each, suites.math),
    general: both(each, suites.general),
    overall: both(columns, [...suites.math, ...suites.general]),
  };
}

/**
 * @param columnsOf the columns that weigh alike, as the names in each, which share its weight
 * @param names what belongs to the average
 */
function average(
  benchmarks: readonly Sat[],
  columnsOf: (counted: readonly string[]) => readonly (readonly string[])[],
  names: readonly string[],
  correct: (answered: Answered) => boolean,
  seed: number,
): MacroAverage | null {
  const values = new Map(
    benchmarks.flatMap(({ name, sat, answered }) => {
      const metric = names.includes(name) ? metricValues(sat.metric, answered, correct) : undefined;
      return metric === undefined ? [] : [[name, metric] as const];
    }),
  );
  // In the suites' order, whatever order they were sat in.
  const counted = names.filter((name) => values.has(name));
  const columns = columnsOf(counted);
  if (columns.length === 0) return null;
  const weighted = columns.flatMap((column) =>
    column.map((name) => ({ values: values.get(name) ?? [], weight: 1 / (columns.length * column.length) })),
  );
  return {
    figure: macroAverage(weighted, seed, 'macro', ...counted),
    benchmarks: counted,
    missing: names.filter((name) => !values.has(name)),
  };
}
