import type { RunDocument } from '../document.ts';
import type { Table } from './chart.ts';
import { count, type Figure, interval, quantity, UNKNOWN } from './format.ts';

type Scores = RunDocument['evaluations'][number];

/** What `rzero eval` found of one model: its benchmarks one a row, then the averages. Columns without a figure are left out. */
export function evaluationTable({ benchmarks, averages }: Scores): Table {
  type Benchmark = Scores['benchmarks'][number];
  const largest = ({ passAt }: Benchmark) => passAt.at(-1);
  const columns: [string, (one: Benchmark) => string][] = [
    [
      'problems',
      ({ items, available }) => (items === available ? count(items) : `${count(items)} of ${count(available)}`),
    ],
    ['greedy', ({ greedy }) => figure(greedy)],
    ['mean@k', ({ mean, samples }) => (mean ? `${figure(mean)}, k = ${samples}` : UNKNOWN)],
    ['majority@k', ({ majority }) => figure(majority)],
    ['pass@n', (one) => (largest(one) ? `${figure(largest(one)?.figure)}, n = ${largest(one)?.n}` : UNKNOWN)],
    ['judged', ({ judged, metric }) => figure(judged?.[metric])],
    ['judge agrees', ({ judged }) => quantity(judged?.agreement, 'share')],
    [
      'no final answer',
      ({ rates, metric }) => quantity(rates[metric === 'greedy' ? 'greedy' : 'sampled'].noBox, 'share'),
    ],
    ['cut off', ({ rates, metric }) => quantity(rates[metric === 'greedy' ? 'greedy' : 'sampled'].truncated, 'share')],
  ];
  const known = columns.filter(([, text]) => benchmarks.some((one) => text(one) !== UNKNOWN));
  const means = (['math', 'general', 'overall'] as const).flatMap((group) => {
    const average = averages[group];
    if (average === null) return [];
    const missing = average.rule.missing.length === 0 ? '' : ` (without ${average.rule.missing.join(', ')})`;
    // In the column of what it is a mean of; where benchmarks count by different figures, in the first one.
    const metrics = new Set(
      benchmarks.filter(({ benchmark }) => average.rule.benchmarks.includes(benchmark)).map(({ metric }) => metric),
    );
    const column = metrics.size === 1 && metrics.has('mean') ? 'mean@k' : 'greedy';
    const cell = (title: string): string =>
      title === column ? figure(average.rule.figure) : title === 'judged' ? figure(average.judged?.figure) : '';
    return [[`mean, ${group}${missing}`, ...known.map(([title]) => cell(title))]];
  });
  return {
    head: ['benchmark', ...known.map(([title]) => title)],
    rows: [...benchmarks.map((one) => [one.title, ...known.map(([, text]) => text(one))]), ...means],
  };
}

/** Which model it is, and how it was asked. */
export function evaluationTitle({ model, protocol }: Scores): { title: string; note: string } {
  const which = model.iteration === null ? '' : model.iteration === 0 ? ', the base' : `, iteration ${model.iteration}`;
  const judge = protocol.judge === null ? 'graded by rule' : `graded by rule and by ${protocol.judge.model}`;
  return {
    title: `${model.name}${which}`,
    note: `temperature ${protocol.temperature}, top-p ${protocol.topP}, seed ${protocol.seed}, ${judge}`,
  };
}

function figure(value: Figure | null | undefined): string {
  return value ? interval(value.value, value.low, value.high, 'percent') : UNKNOWN;
}
