import type { Unit } from './format.ts';

/** One line of a chart; the arrays are as long as the chart's `x`, null where nothing is known. */
export interface Series {
  label: string;
  values: (number | null)[];
  /** 95 % interval. */
  low?: (number | null)[];
  high?: (number | null)[];
}

/** Lines over iterations or steps. */
export interface LineChart {
  kind: 'lines';
  id: string;
  title: string;
  caption: string;
  unit: Unit;
  /** What `x` counts, in the singular: 'iteration'. */
  per: string;
  x: number[];
  /** What each x is called, in full. */
  names: string[];
  /** Where something begins between two x. */
  borders: { at: number; label: string }[];
  series: Series[];
  /** Bounds of the scale that stand whatever the values are. */
  from?: number;
  to?: number;
}

/** Bars made of parts that follow one another, one a row. */
export interface StackChart {
  kind: 'stack';
  id: string;
  title: string;
  caption: string;
  unit: Unit;
  parts: string[];
  rows: { name: string; values: number[]; note: string }[];
}

/** One small histogram an iteration, of p-hats nearest to 0, 0.1, ..., 1. */
export interface HistogramChart {
  kind: 'histograms';
  id: string;
  title: string;
  caption: string;
  band: { low: number; high: number } | null;
  panels: { name: string; counts: number[] }[];
}

export type Chart = LineChart | StackChart | HistogramChart;

/** A chart as a table: the first column names the row. */
export interface Table {
  head: string[];
  rows: string[][];
}

/** Whether there is any value to draw. */
export function isEmpty(chart: Chart): boolean {
  switch (chart.kind) {
    case 'lines':
      return chart.series.length === 0;
    case 'stack':
      return chart.rows.length === 0;
    case 'histograms':
      return chart.panels.length === 0;
  }
}

/** The same without lines that have no value. */
export function withoutUnknown(chart: LineChart): LineChart {
  return { ...chart, series: chart.series.filter(({ values }) => values.some((value) => value !== null)) };
}
