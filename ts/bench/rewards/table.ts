import type { Cost } from './ours.ts';
import type { SetName } from './questions.ts';

/** Ours and the reference on the same questions. */
export interface Comparison {
  questions: number;
  referenceSeconds: number;
  /** false: extrapolated from the largest size measured, by pairs of questions. */
  measured: boolean;
  firstSeconds: number;
  seconds: number;
  /** referenceSeconds / seconds, and the same for the first batch of a process. */
  ratio: number;
  firstRatio: number;
  /** Whether every question has the same share from both; undefined: the reference was not run. */
  isEqual?: boolean;
}

const SET_NAMES: Readonly<Record<SetName, string>> = {
  mixed: 'many kinds',
  nearDuplicates: 'near-duplicates',
  noOverlap: 'no word in common',
};

/** The results as Markdown tables. */
export function formatResults(comparisons: readonly Comparison[], costs: readonly Cost[]): string {
  const beside = comparisons.map((row) => [
    grouped(row.questions),
    `${seconds(row.referenceSeconds)}${row.measured ? '' : ' (extrapolated)'}`,
    seconds(row.firstSeconds),
    seconds(row.seconds),
    `${grouped(row.firstRatio)} x`,
    `${grouped(row.ratio)} x`,
    row.isEqual === undefined ? '' : row.isEqual ? 'equal' : 'DIFFERENT',
  ]);
  const alone = costs.map((cost) => [
    SET_NAMES[cost.set],
    grouped(cost.questions),
    seconds(cost.firstSeconds),
    seconds(cost.seconds),
    `${grouped(cost.peakMebibytes)} MiB`,
  ]);
  return [
    table(
      ['questions', 'NLTK, scikit-learn', 'first batch', 'next ones', 'ratio, first', 'ratio, next', 'shares'],
      beside,
    ),
    table(['set', 'questions', 'first batch', 'next ones', 'peak memory'], alone),
  ].join('\n\n');
}

function seconds(value: number): string {
  return value >= 100 ? `${grouped(value)} s` : `${value.toPrecision(2)} s`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
