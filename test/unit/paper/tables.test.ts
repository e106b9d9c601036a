import { describe, expect, test } from '@jest/globals';
import { REGISTRY } from '../../../ts/benchmarks/registry.ts';
import { BACKBONES, backboneOf } from '../../../ts/paper/backbone.ts';
import {
  COLUMNS,
  type Column,
  PAPER_NOTES,
  PAPER_ROWS,
  type PaperRow,
  paperRows,
  TABLES,
} from '../../../ts/paper/tables.ts';

const MATH: Column[] = ['amc', 'minerva', 'math-500', 'gsm8k', 'olympiadbench', 'aime-2025', 'aime-2024'];
const GENERAL: Column[] = ['supergpqa', 'mmlu-pro', 'bbeh'];

function meanOf(row: PaperRow, columns: readonly Column[]): number | undefined {
  const values = columns.map((column) => row.figures[column]);
  if (values.some((value) => value === undefined)) return undefined;
  return (values as number[]).reduce((sum, value) => sum + value, 0) / columns.length;
}

describe("the averages of the paper's rows are those of their own figures", () => {
  const whole = PAPER_ROWS.flatMap((row) => {
    const of =
      row.table === 'v1 averages' ? (['math', ...GENERAL] as Column[]) : row.table === 'v4 table 1' ? MATH : GENERAL;
    const average = {
      'v1 averages': 'overall',
      'v4 table 1': 'math',
      'v4 table 2': 'general',
      'issue 19': 'math',
    } as const;
    const [mean, told] = [meanOf(row, of), row.figures[average[row.table]]];
    return mean === undefined || told === undefined
      ? []
      : [[`${row.table}, ${row.backbone}, ${row.method}`, mean, told] as const];
  });

  test('there are 20 of v1, 9 of table 1 and 5 of table 2', () => {
    expect(whole).toHaveLength(20 + 9 + 5);
  });

  test.each(whole)('%s', (_, mean, told) => {
    // Rounded twice: the figures, and their mean.
    expect(Math.abs(mean - told)).toBeLessThan(0.0151);
  });
});

test('every column is a benchmark of ours by that name, so that a run can be put beside it', () => {
  const math = REGISTRY.filter(({ group }) => group === 'math').map(({ name }) => name);
  const general = REGISTRY.filter(({ group }) => group === 'general').map(({ name }) => name);
  expect([...COLUMNS].sort()).toEqual([...math, ...general].sort());
  expect([...MATH].sort()).toEqual(math.sort());
  expect([...GENERAL].sort()).toEqual(general.sort());
});

test('every table has its notes, and every backbone rows of three tables at least', () => {
  expect(Object.keys(PAPER_NOTES)).toEqual(Object.keys(TABLES));
  for (const backbone of BACKBONES) {
    expect(new Set(paperRows(backbone).map(({ table }) => table)).size).toBeGreaterThanOrEqual(3);
  }
});

test.each([
  ['Qwen/Qwen3-4B-Base', 'qwen3-4b'],
  ['/models/Qwen3-8B-Base/', 'qwen3-8b'],
  ['OctoThinker/OctoThinker-3B-Hybrid-Base', 'octothinker-3b'],
  ['OctoThinker/OctoThinker-8B-Long-Base', 'octothinker-8b'],
  ['Qwen/Qwen3-4B', null],
  ['Qwen/Qwen3-4B-Base-GGUF', null],
  ['embedded', null],
  ['', null],
] as const)('%s is the backbone %s', (model, backbone) => {
  expect(backboneOf(model)).toBe(backbone);
});
