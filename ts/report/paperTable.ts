import { createColors } from 'picocolors';
import type { BenchmarkScores, MacroAverage, ScoresDocument } from '../eval/scoresDocument.ts';
import { BACKBONE_NAMES, type Backbone } from '../paper/backbone.ts';
import { protocolDifferences } from '../paper/protocol.ts';
import { COLUMNS, type Column, METHODS, PAPER_NOTES, type PaperRow, paperRows, TABLES } from '../paper/tables.ts';
import { columns, wrap } from './text.ts';

/** One of our models, and what it is called beside the paper's rows. */
export interface OurRow {
  name: string;
  scores: ScoresDocument;
}

/** A column: its name in the tables or that of a benchmark, and what stands above it. */
type Heads = Readonly<Partial<Record<Column, string>>> & Readonly<Record<string, string>>;

const MATH: Heads = {
  math: 'Average',
  amc: 'AMC',
  minerva: 'Minerva',
  'math-500': 'MATH',
  gsm8k: 'GSM8K',
  olympiadbench: 'Olympiad',
  'aime-2025': 'AIME25',
  'aime-2024': 'AIME24',
};

const GENERAL: Heads = {
  overall: 'Overall',
  general: 'Average',
  supergpqa: 'SuperGPQA',
  'mmlu-pro': 'MMLU-Pro',
  bbeh: 'BBEH',
};

const WIDEST = 110;

/**
 * Our evaluations beside the paper's rows of the same backbone: a block a group of benchmarks, what the tables are, and what
 * differs in protocol. In percent; ours to one decimal, the paper's as printed. An average over fewer benchmarks than the
 * paper's is marked, since it is another figure.
 *
 * @param backbone null: the paper has no such model, and ours stand alone
 */
export function renderPaperTable(
  ours: readonly OurRow[],
  backbone: Backbone | null,
  options: { colour: boolean; width: number },
): string {
  const { bold, dim } = createColors(options.colour);
  const width = Math.min(WIDEST, options.width);
  const paper = backbone === null ? [] : paperRows(backbone);
  const blocks = [
    block('Mathematics, % right', MATH, ours, paper),
    block('General reasoning, % right', GENERAL, ours, paper),
    block('Others, % right', othersOf(ours), ours, []),
  ].filter((lines) => lines.length > 0);
  const partial = ours.some(
    ({ scores }) =>
      scores.benchmarks.some(isCut) ||
      Object.values(scores.averages).some((average) => average !== null && average.rule.missing.length > 0),
  );
  const used = [...new Set(paper.map(({ table }) => table))];
  const notes = used.flatMap((table) => [
    `${table}: ${TABLES[table]}.`,
    ...PAPER_NOTES[table].map((note) => `  ${note}`),
  ]);
  const differences = ours[0] === undefined ? [] : protocolDifferences(ours[0].scores);
  const sections = [
    ...blocks.map(([head = '', ...lines]) => [bold(head), ...lines]),
    partial
      ? wrap(
          '* not the figure of the tables: of a benchmark the first items alone were sat, or of an average not all benchmarks',
          width,
        )
      : [],
    backbone === null
      ? wrap('The paper has no rows for this backbone, so there is nothing to compare with.', width)
      : [bold(`The paper's rows of ${BACKBONE_NAMES[backbone]}`), ...notes.flatMap((note) => hanging(note, width))],
    differences.length === 0
      ? []
      : [
          bold('What differs in protocol'),
          ...differences.flatMap(({ what, here, paper }) => [
            `  ${what}`,
            ...hanging(`    here   ${here}`, width),
            ...hanging(`    paper  ${paper}`, width).map(dim),
          ]),
        ],
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** Benchmarks that the paper does not have. */
function othersOf(ours: readonly OurRow[]): Heads {
  const sat = ours.flatMap(({ scores }) => scores.benchmarks);
  const others = sat.filter(({ benchmark }) => !(COLUMNS as readonly string[]).includes(benchmark));
  return Object.fromEntries(others.map(({ benchmark, title }) => [benchmark, title]));
}

function block(title: string, heads: Heads, ours: readonly OurRow[], paper: readonly PaperRow[]): string[] {
  const of = Object.keys(heads) as Column[];
  const own = ours.flatMap(({ name, scores }) => ourLines(name, scores, of));
  const theirs = paper.filter(({ figures }) => of.some((column) => figures[column] !== undefined));
  const tables = [...new Set(theirs.map(({ table }) => table))].flatMap((table) => [
    [table],
    ...theirs
      .filter((row) => row.table === table)
      .map(({ method, figures }) => [`  ${METHODS[method]}`, ...of.map((column) => figures[column]?.toFixed(2) ?? '')]),
  ]);
  if (own.length === 0) return [];
  const rows = [...own, ...tables];
  const shown = of.map((_, index) => rows.some((row) => (row[index + 1] ?? '') !== ''));
  const cut = (row: readonly string[]) => row.filter((_, index) => index === 0 || shown[index - 1]);
  const head = cut([title, ...of.map((column) => heads[column] ?? '')]);
  return columns(
    [head, ...rows.map(cut)],
    head.map((_, index) => index).filter((index) => index > 0),
  );
}

/** A line of figures; one of intervals below it; and one with the judge where there is one. Empty where nothing was sat. */
function ourLines(name: string, { benchmarks, averages }: ScoresDocument, of: readonly Column[]): string[][] {
  const sat = new Map(benchmarks.map((one) => [one.benchmark, one]));
  const averageOf = (column: Column): { rule: MacroAverage; judged: MacroAverage | null } | null =>
    column === 'overall' || column === 'math' || column === 'general' ? averages[column] : null;
  if (!of.some((column) => sat.has(column))) return [];
  const line = (label: string, cell: (column: Column) => string) => [label, ...of.map(cell)];
  const mark = (average: MacroAverage) => `${average.figure.value.toFixed(1)}${average.missing.length > 0 ? '*' : ''}`;
  const lines = [
    line(name, (column) => {
      const average = averageOf(column);
      if (average !== null) return mark(average.rule);
      const one = sat.get(column);
      const figure = one?.[one.metric];
      return figure ? `${figure.value.toFixed(1)}${isCut(one) ? '*' : ''}` : '';
    }),
    line('  95 % interval', (column) => {
      const one = sat.get(column);
      const figure = averageOf(column)?.rule.figure ?? one?.[one.metric];
      return figure ? `${figure.low.toFixed(0)}-${figure.high.toFixed(0)}` : '';
    }),
  ];
  if (!benchmarks.some(({ judged }) => judged !== null)) return lines;
  const judged = line('  with the judge', (column) => {
    const average = averageOf(column);
    if (average?.judged) return mark(average.judged);
    const one = sat.get(column);
    return one?.judged?.[one.metric]?.value.toFixed(1) ?? '';
  });
  return [...lines, judged];
}

/** Whether its first items alone were sat. */
function isCut({ items, available }: BenchmarkScores): boolean {
  return items < available;
}

/** Wrapped, the lines after the first as far in as the first begins. */
function hanging(text: string, width: number): string[] {
  const indent = ' '.repeat(text.length - text.trimStart().length + (/^ {4}(?:here|paper) +/.test(text) ? 7 : 2));
  const [first = '', ...rest] = wrap(text.trimStart(), width - indent.length);
  return [text.slice(0, text.length - text.trimStart().length) + first, ...rest.map((line) => indent + line)];
}
