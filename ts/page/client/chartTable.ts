import type { Chart, Table } from './chart.ts';
import { count, interval, quantity } from './format.ts';

/** All figures of a chart, exactly as its hover tells them. */
export function chartTable(chart: Chart): Table {
  switch (chart.kind) {
    case 'lines':
      return {
        head: [chart.per, ...chart.series.map(({ label }) => label)],
        rows: chart.names.map((name, at) => [
          name,
          ...chart.series.map(({ values, low, high }) =>
            interval(values[at] ?? null, low?.[at] ?? null, high?.[at] ?? null, chart.unit),
          ),
        ]),
      };
    case 'stack':
      return {
        head: ['', ...chart.parts],
        rows: chart.rows.map(({ name, values }) => [name, ...values.map((value) => quantity(value, chart.unit))]),
      };
    case 'histograms':
      return {
        head: ['p̂', ...chart.panels.map(({ name }) => name)],
        rows: Array.from({ length: 11 }, (_, tenth) => [
          (tenth / 10).toFixed(1),
          ...chart.panels.map(({ counts }) => count(counts[tenth] ?? 0)),
        ]),
      };
  }
}
