import { holm } from '../domain/holm.ts';
import { type PairedTest, pairedTest } from '../domain/pairedTest.ts';
import { stream } from '../domain/random.ts';
import { macroInterval, mean } from '../domain/statistics.ts';
import { average, type Figure } from './figures.ts';

/** What one model came to on the items of one benchmark, item by item. */
export interface ItemValues {
  benchmark: string;
  title: string;
  /** Benchmarks of one group have an average together. */
  group: string;
  /** What the values are: `greedy`, or `mean` of k samples. */
  metric: 'greedy' | 'mean';
  /** Whether it is this metric of the benchmark that counts in the average of its group. */
  counts: boolean;
  /** Of what was asked and how it was graded: items of another digest are other items. Null where it is not known. */
  digest: string | null;
  /** By the item's id: share of right responses, [0, 1]. */
  values: ReadonlyMap<string, number>;
}

/** Two models on one benchmark, paired by item. */
export interface PairedBenchmark {
  benchmark: string;
  title: string;
  group: string;
  metric: 'greedy' | 'mean';
  /** Items that both were asked. */
  items: number;
  /** Items that one of them alone was asked. */
  unpaired: number;
  /** Accuracy on the shared items, percent. */
  before: number;
  after: number;
  /** after - before in points, with its bootstrap interval over items. */
  difference: Figure;
  /** Two-sided, of the sign-flip test over items. */
  pValue: number;
  /** The same, adjusted for all benchmarks of the comparison (Holm). */
  adjusted: number;
  method: PairedTest['method'];
  /** The items were asked or graded otherwise. */
  otherwise: boolean;
}

/** The mean of a group's differences, each benchmark weighing alike. */
export interface PairedAverage {
  group: string;
  benchmarks: number;
  before: number;
  after: number;
  difference: Figure;
}

export interface PairedScores {
  benchmarks: PairedBenchmark[];
  /** Of groups with two benchmarks or more. */
  averages: PairedAverage[];
  /** What one of them alone sat: benchmark and metric. */
  alone: { before: string[]; after: string[] };
}

/**
 * Compare two models on the items that both were asked, benchmark by benchmark in the later one's order. What makes an
 * item hard for both cancels out, so that intervals are narrower than those of the two scores.
 *
 * @param seed of the resampling
 */
export function pairScores(before: readonly ItemValues[], after: readonly ItemValues[], seed: number): PairedScores {
  const keyOf = ({ benchmark, metric }: ItemValues) => `${benchmark}/${metric}`;
  const earlier = new Map(before.map((one) => [keyOf(one), one]));
  const later = new Set(after.map(keyOf));
  const pairs = after.flatMap((one) => {
    const other = earlier.get(keyOf(one));
    return other === undefined ? [] : [paired(other, one, seed)];
  });
  const shared = pairs.filter(({ differences }) => differences.length > 0);
  const adjusted = holm(shared.map(({ benchmark }) => benchmark.pValue));
  const benchmarks = shared.map(({ benchmark }, index) => ({ ...benchmark, adjusted: adjusted[index] as number }));
  return {
    benchmarks,
    averages: averages(shared, seed),
    alone: {
      before: before.filter((one) => !later.has(keyOf(one))).map(nameOf),
      after: after.filter((one) => !earlier.has(keyOf(one))).map(nameOf),
    },
  };
}

function nameOf({ title, metric }: ItemValues): string {
  return `${title} (${metric})`;
}

interface Pair {
  benchmark: Omit<PairedBenchmark, 'adjusted'>;
  /** One a shared item. */
  differences: readonly number[];
  counts: boolean;
}

function paired(before: ItemValues, after: ItemValues, seed: number): Pair {
  const { benchmark, title, group, metric } = after;
  const ids = [...after.values.keys()].filter((id) => before.values.has(id));
  const of = ({ values }: ItemValues) => ids.map((id) => values.get(id) as number);
  const [old, now] = [of(before), of(after)];
  const differences = now.map((value, index) => value - (old[index] as number));
  const { pValue, method } = pairedTest(differences, stream(seed, 'paired', benchmark, metric));
  return {
    benchmark: {
      benchmark,
      title,
      group,
      metric,
      items: ids.length,
      unpaired: before.values.size + after.values.size - 2 * ids.length,
      before: 100 * mean(old),
      after: 100 * mean(now),
      difference: average(differences, seed, 'paired', benchmark, metric),
      pValue,
      method,
      otherwise: before.digest !== null && after.digest !== null && before.digest !== after.digest,
    },
    differences,
    counts: after.counts,
  };
}

function averages(pairs: readonly Pair[], seed: number): PairedAverage[] {
  const groups = [...new Set(pairs.map(({ benchmark }) => benchmark.group))];
  return groups.flatMap((group) => {
    const ofGroup = pairs.filter(({ benchmark, counts }) => counts && benchmark.group === group);
    if (ofGroup.length < 2) return [];
    const [before, after] = (['before', 'after'] as const).map((side) =>
      mean(ofGroup.map(({ benchmark }) => benchmark[side])),
    ) as [number, number];
    const [low, high] = macroInterval(
      ofGroup.map(({ differences }) => differences),
      stream(seed, 'paired', 'average', group),
    );
    const difference = { value: after - before, low: 100 * low, high: 100 * high };
    return [{ group, benchmarks: ofGroup.length, before, after, difference }];
  });
}
