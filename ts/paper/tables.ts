import type { Backbone } from './backbone.ts';

/**
 * Where a row is from. The paper's tables changed between its versions, for the same models too, so that a figure without
 * its version says little.
 */
export const TABLES = {
  'v1 averages': "v1's averages, as in the README of the authors' repository (2025-08)",
  'v4 table 1': 'v4 (2026-02), table 1: mathematics',
  'v4 table 2': 'v4 (2026-02), table 2: general reasoning',
  'issue 19': "the authors' evaluation code without its judge, run by a user (issue 19 of their repository)",
} as const;

export type Table = keyof typeof TABLES;

/** What was trained, and how: with the untrained Challenger, the Solver alone is, on the base model's questions. */
export const METHODS = {
  base: 'base',
  'base challenger': 'untrained Challenger',
  'absolute zero': 'Absolute Zero',
  'iteration 1': 'R-Zero, iteration 1',
  'iteration 2': 'R-Zero, iteration 2',
  'iteration 3': 'R-Zero, iteration 3',
} as const;

export type Method = keyof typeof METHODS;

/** The averages of the tables: of the seven of mathematics, of the three others, and of v1's four columns. */
export const AVERAGES = ['overall', 'math', 'general'] as const;

/** Benchmarks of the tables, by their names in `--suite`. */
export const COLUMNS = [
  'amc',
  'minerva',
  'math-500',
  'gsm8k',
  'olympiadbench',
  'aime-2025',
  'aime-2024',
  'supergpqa',
  'mmlu-pro',
  'bbeh',
] as const;

export type Column = (typeof AVERAGES)[number] | (typeof COLUMNS)[number];

/** One row of a table, in percent. What a table does not have is not there. */
export interface PaperRow {
  table: Table;
  backbone: Backbone;
  method: Method;
  figures: Partial<Record<Column, number>>;
}

/** Rows of one table: its columns, and lines of backbone, method and figures in their order; null is not reported. */
function rows(
  table: Table,
  columns: readonly Column[],
  lines: readonly (readonly [Backbone, Method, ...(number | null)[]])[],
): PaperRow[] {
  return lines.map(([backbone, method, ...figures]) => ({
    table,
    backbone,
    method,
    figures: Object.fromEntries(
      columns.flatMap((column, index) => (figures[index] == null ? [] : [[column, figures[index]]])),
    ),
  }));
}

/** The paper's results for the backbones that it trains. "Step 45" of v4 is the end of iteration 3. */
export const PAPER_ROWS: readonly PaperRow[] = [
  ...rows(
    'v1 averages',
    ['overall', 'math', 'supergpqa', 'mmlu-pro', 'bbeh'],
    [
      ['qwen3-4b', 'base', 27.1, 42.58, 20.88, 37.38, 7.57],
      ['qwen3-4b', 'base challenger', 30.83, 44.36, 24.77, 47.59, 6.59],
      ['qwen3-4b', 'iteration 1', 34.27, 48.06, 27.92, 51.69, 9.42],
      ['qwen3-4b', 'iteration 2', 34.92, 48.44, 27.72, 53.75, 9.76],
      ['qwen3-4b', 'iteration 3', 34.64, 49.07, 27.55, 51.53, 10.42],
      ['qwen3-8b', 'base', 34.49, 49.18, 28.33, 51.8, 8.63],
      ['qwen3-8b', 'base challenger', 36.43, 51.87, 30.12, 54.14, 9.6],
      ['qwen3-8b', 'iteration 1', 37.93, 53.39, 31.26, 57.17, 9.91],
      ['qwen3-8b', 'iteration 2', 38.45, 53.84, 31.58, 58.2, 10.2],
      ['qwen3-8b', 'iteration 3', 38.73, 54.69, 31.38, 58.23, 10.6],
      ['octothinker-3b', 'base', 12.27, 26.64, 10.09, 10.87, 1.46],
      ['octothinker-3b', 'base challenger', 14.41, 27.51, 11.19, 14.53, 4.4],
      ['octothinker-3b', 'iteration 1', 14.93, 27.76, 12.21, 15.72, 4.05],
      ['octothinker-3b', 'iteration 2', 15.11, 28.2, 12.43, 16.08, 3.74],
      ['octothinker-3b', 'iteration 3', 15.67, 29.32, 12.44, 16.71, 4.2],
      ['octothinker-8b', 'base', 16.81, 32.11, 13.26, 20.21, 1.64],
      ['octothinker-8b', 'base challenger', 25.08, 36.41, 16.99, 41.46, 5.46],
      ['octothinker-8b', 'iteration 1', 26.44, 37.8, 19.15, 42.05, 6.77],
      ['octothinker-8b', 'iteration 2', 26.77, 38.23, 19.27, 41.34, 8.25],
      ['octothinker-8b', 'iteration 3', 26.88, 38.52, 19.82, 40.92, 8.25],
    ],
  ),
  ...rows(
    'v4 table 1',
    ['math', 'amc', 'minerva', 'math-500', 'gsm8k', 'olympiadbench', 'aime-2025', 'aime-2024'],
    [
      ['qwen3-4b', 'base', 42.57, 45.7, 38.24, 68.2, 87.79, 41.04, 10.3, 6.7],
      ['qwen3-4b', 'base challenger', 45.01],
      ['qwen3-4b', 'absolute zero', 46.42, 52.45, 41.96, 76.2, 89.34, 42.56, 10.2, 12.2],
      ['qwen3-4b', 'iteration 3', 49.93, 57.27, 52.94, 79.6, 92.12, 44.59, 9.6, 13.4],
      ['qwen3-8b', 'base', 48.64, 51.95, 50, 78, 89.08, 44.74, 12.1, 14.6],
      ['qwen3-8b', 'base challenger', 52.1],
      ['qwen3-8b', 'absolute zero', 52.68],
      ['qwen3-8b', 'iteration 3', 53.72, 61.67, 60.66, 82, 94.09, 48.89, 13.3, 15.4],
      ['octothinker-3b', 'base', 26.64, 17.19, 24.26, 55, 73.69, 16.15, 0.21, 0],
      ['octothinker-3b', 'base challenger', 27.51],
      ['octothinker-3b', 'absolute zero', 27.23],
      ['octothinker-3b', 'iteration 3', 29.32, 27.03, 27.57, 54.2, 74.98, 18.22, 3.23, 0],
      ['octothinker-8b', 'base', 36.41, 32.11, 41.91, 65.2, 86.96, 26.52, 1.56, 0.62],
      ['octothinker-8b', 'base challenger', 36.98],
      ['octothinker-8b', 'absolute zero', 36.6],
      ['octothinker-8b', 'iteration 3', 38.52, 34.03, 48.22, 68.8, 87.19, 27.56, 0.42, 3.44],
    ],
  ),
  ...rows(
    'v4 table 2',
    ['general', 'supergpqa', 'mmlu-pro', 'bbeh'],
    [
      ['qwen3-4b', 'base', 26.34, 20.88, 50.58, 7.57],
      ['qwen3-4b', 'absolute zero', 29.33],
      ['qwen3-4b', 'iteration 3', 31.15, 27.55, 55.47, 10.42],
      ['qwen3-8b', 'base', 31.98, 28.33, 58.97, 8.63],
      ['qwen3-8b', 'absolute zero', 34.4],
      ['qwen3-8b', 'iteration 3', 34.5, 31.38, 61.53, 10.6],
      ['octothinker-3b', 'base', 7.47],
      ['octothinker-3b', 'absolute zero', 16.03],
      ['octothinker-3b', 'iteration 3', 11.12],
      ['octothinker-8b', 'base', 11.7],
      ['octothinker-8b', 'iteration 3', 23, 19.82, 40.92, 8.25],
    ],
  ),
  ...rows(
    'issue 19',
    ['amc', 'minerva', 'math-500', 'gsm8k', 'olympiadbench', 'aime-2025', 'aime-2024'],
    [['qwen3-4b', 'base', 48.83, 19.49, 58, 81.43, 29.93, 16.56, 10]],
  ),
];

/** What to know before a figure of ours is held against one of theirs. Facts of the tables, whatever was evaluated. */
export const PAPER_NOTES: Readonly<Record<Table, readonly string[]>> = {
  'v1 averages': [
    'MATH is the mean of the seven benchmarks of mathematics, Overall that of the four columns.',
    "MMLU-Pro of Qwen3-4B's base rose from 37.38 (v1) to 50.58 (v4); between the two the authors' code turned a thinking mode off, which may be why.",
    "OctoThinker-8B's base MATH of 32.11 is its AMC figure; v4 has 36.41.",
  ],
  'v4 table 1': [
    "Answers were judged by GPT-4o, with the gold answer and the model's in each other's place; the judge could only give points.",
    'AMC and AIME are called mean@32; the published code draws 32 answers at temperature 0, which are one.',
    "GSM8K of Qwen3-4B's base, 87.79, is also the 4-shot figure of Qwen3's report.",
  ],
  'v4 table 2': [
    'A response without a letter was given a random one by the published code, which is right now and then.',
  ],
  'issue 19': ['No judge: what the rules of their code can tell alone.'],
};

/** The paper's rows of one backbone, in the order of its tables. */
export function paperRows(backbone: Backbone): PaperRow[] {
  return PAPER_ROWS.filter((row) => row.backbone === backbone);
}
