import { createColors } from 'picocolors';
import type { Figure } from '../eval/figures.ts';
import type {
  Accuracies,
  BenchmarkScores,
  MacroAverage,
  ResponseRates,
  ScoresDocument,
} from '../eval/scoresDocument.ts';
import { percent } from './metrics.ts';
import { columns, plural, wrap } from './text.ts';

/** How an evaluation is shown. */
export interface EvalTableOptions {
  colour: boolean;
  /** Columns that running text is broken to; the table may need more. */
  width: number;
  /** The evaluation's folder, as the person would type it. */
  folder: string;
}

/** From this share of responses on, what is cut off or cannot be decided is worth a warning. */
const MANY = 0.1;

/** One model's evaluation, for people. */
export function renderEvaluation(scores: ScoresDocument, { colour, width, folder }: EvalTableOptions): string {
  const { bold, yellow } = createColors(colour);
  const { model, benchmarks, protocol } = scores;
  const sections = [
    wrap(`${model.name}: ${plural(benchmarks.length, 'benchmarks')}`, width).map(bold),
    [
      bold(
        `Right, in % of the items [95 % interval]; * is the figure that counts in averages${protocol.judge ? '; by the rule grader' : ''}`,
      ),
      ...accuracyRows(benchmarks, (one) => one),
    ],
    ...(protocol.judge === null ? [] : [[bold('The same with the judge'), ...judgedRows(benchmarks)]]),
    averageRows(scores, bold),
    [bold('Responses, in %'), ...rateRows(benchmarks)],
    wrap(protocolLine(scores), width),
    warnings(scores).flatMap((warning) => wrap(`Warning: ${warning}`, width).map(yellow)),
    [`Responses, marks and scores: ${folder}`],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

const HEAD = ['', 'items', 'k', 'greedy', 'mean@k', 'majority@k', 'pass@k'];

function accuracyRows(
  benchmarks: readonly BenchmarkScores[],
  of: (benchmark: BenchmarkScores) => Accuracies | null,
): string[] {
  const rows = benchmarks.flatMap((benchmark) => {
    const accuracies = of(benchmark);
    if (accuracies === null) return [];
    const { title, items, available, samples, metric } = benchmark;
    const { greedy, mean, majority, passAt } = accuracies;
    const counts = (name: string) => (metric === name ? '*' : '');
    return [
      [
        title,
        items < available ? `${items} of ${available}` : String(items),
        samples === 0 ? '' : String(samples),
        interval(greedy, counts('greedy')),
        interval(mean, counts('mean')),
        interval(majority),
        interval(passAt.at(-1)?.figure ?? null),
      ],
    ];
  });
  return grid(HEAD, rows, [1, 2]);
}

function judgedRows(benchmarks: readonly BenchmarkScores[]): string[] {
  const rows = benchmarks.flatMap(({ title, judged }) => {
    if (judged === null) return [];
    const { agreement, kappa, given, taken, missing } = judged;
    const share = agreement === null ? '-' : percent(agreement);
    return [[title, share, kappa === null ? '-' : kappa.toFixed(2), String(given), String(taken), String(missing)]];
  });
  const head = ['', 'agree with the rules', 'kappa', 'points given', 'taken', 'no verdict'];
  return [...accuracyRows(benchmarks, ({ judged }) => judged), '', ...grid(head, rows, [1, 2, 3, 4, 5])];
}

function averageRows({ averages, protocol }: ScoresDocument, bold: (text: string) => string): string[] {
  const titles = { math: 'math', general: 'general', overall: 'overall' } as const;
  const rows = (Object.keys(titles) as (keyof typeof titles)[]).flatMap((name) => {
    const average = averages[name];
    if (average === null) return [];
    const { rule, judged } = average;
    const judgedCell = protocol.judge === null ? [] : [interval(judged?.figure ?? null)];
    return [[titles[name], interval(rule.figure), ...judgedCell, contents(rule)]];
  });
  if (rows.length === 0) return [];
  const head = ['', 'by rules', ...(protocol.judge === null ? [] : ['with the judge']), 'a mean of'];
  return [bold('Averages, each benchmark by its own figure'), ...grid(head, rows, [])];
}

function contents({ benchmarks, missing }: MacroAverage): string {
  const without = missing.length === 0 ? '' : `; not the paper's, without ${missing.join(', ')}`;
  return `${benchmarks.join(', ')}${without}`;
}

function rateRows(benchmarks: readonly BenchmarkScores[]): string[] {
  const row = (title: string, how: string, rates: ResponseRates, tokens: number | null) =>
    tokens === null
      ? []
      : [[title, how, share(rates.truncated), share(rates.noBox), share(rates.undecided), tokens.toFixed(0)]];
  const rows = benchmarks.flatMap(({ title, rates, meanTokens }) => [
    ...row(title, 'greedy', rates.greedy, meanTokens.greedy),
    ...row(title, 'sampled', rates.sampled, meanTokens.sampled),
  ]);
  return grid(['', '', 'cut off', 'no answer', 'undecided', 'mean tokens'], rows, [2, 3, 4, 5]);
}

function protocolLine({ protocol, benchmarks }: ScoresDocument): string {
  const { temperature, topP, topK, seed, backend, judge } = protocol;
  const sampled = benchmarks.some(({ samples }) => samples > 0);
  const how = sampled
    ? `sampled at temperature ${temperature}, top-p ${topP}, top-k ${topK === 0 ? 'off' : topK}, `
    : '';
  const most = [...new Set(benchmarks.map(({ maxTokens }) => maxTokens))].join(', ');
  const who =
    judge === null
      ? 'No judge: the rule grader alone.'
      : `Judge: ${judge.model} at ${judge.endpoint}, temperature ${judge.temperature}.`;
  return `Drawn with ${backend}: greedy at temperature 0, ${how}seed ${seed}, at most ${most} tokens. ${who}`;
}

function warnings({ benchmarks }: ScoresDocument): string[] {
  return benchmarks.flatMap(({ title, rates, items, available, samples, metric, judged, maxTokens, greedy, mean }) => {
    const most = (name: keyof ResponseRates) => Math.max(rates.greedy[name] ?? 0, rates.sampled[name] ?? 0);
    return [
      ...(items < available ? [`${title}: the first ${items} of ${available} items are not the whole benchmark`] : []),
      ...(most('truncated') > MANY
        ? [
            `${title}: ${percent(most('truncated'), 0)} of the responses were cut off at ${maxTokens} tokens (--max-tokens)`,
          ]
        : []),
      ...(most('undecided') > MANY
        ? [
            `${title}: the grader could not decide on ${percent(most('undecided'), 0)} of the answers, which count as wrong`,
          ]
        : []),
      ...((metric === 'greedy' ? greedy : mean) === null
        ? [
            `${title}: ${metric === 'greedy' ? 'greedy accuracy' : 'mean@k'}, which counts in averages, was not measured`,
          ]
        : []),
      ...(samples === 1 ? [`${title}: with one sample an item, mean@1 and majority@1 are the same`] : []),
      ...(judged !== null && judged.missing > 0
        ? [
            `${title}: the judge gave no verdict on ${plural(judged.missing, 'responses')}: there the rule grader's mark counts`,
          ]
        : []),
    ];
  });
}

/** `38.2* [35.1, 41.3]` */
function interval(figure: Figure | null, mark = ''): string {
  if (figure === null) return '';
  const [value = '', low = '', high = ''] = [figure.value, figure.low, figure.high].map((number) =>
    number.toFixed(number === 100 ? 0 : 1),
  );
  return `${value.padStart(4)}${mark} [${low}, ${high}]`;
}

function share(value: number | null): string {
  return value === null ? '' : (100 * value).toFixed(value === 1 ? 0 : 1);
}

/** Rows under their heads, without the columns in which no row says anything. */
function grid(head: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]): string[] {
  const said = head.flatMap((_, column) => (rows.some((row) => (row[column] ?? '') !== '') ? [column] : []));
  const shown = [head, ...rows].map((row) => said.map((column) => row[column] ?? ''));
  return rows.length === 0
    ? []
    : columns(
        shown,
        said.flatMap((column, index) => (right.includes(column) ? [index] : [])),
      );
}
