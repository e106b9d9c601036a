import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { sameAnswer } from '../../../ts/domain/answers/compare.ts';
import { extractAnswer } from '../../../ts/domain/answers/extract.ts';
import { pairedTest } from '../../../ts/domain/pairedTest.ts';
import { passAtK } from '../../../ts/domain/passAtK.ts';
import { stream } from '../../../ts/domain/random.ts';
import { type AnsweredItem, byRule, type ItemMarks, marksOf } from '../../../ts/eval/answeredItem.ts';
import { macroAverages } from '../../../ts/eval/averages.ts';
import { metricValues, scoreBenchmark } from '../../../ts/eval/benchmarkScores.ts';
import type { SatBenchmark } from '../../../ts/eval/evaluationDocument.ts';
import { average, type Figure } from '../../../ts/eval/figures.ts';
import { type ItemValues, pairScores } from '../../../ts/eval/pairedScores.ts';
import { fingerprint, GRADER } from '../../../ts/eval/response.ts';
import type { BenchmarkScores } from '../../../ts/eval/scoresDocument.ts';

const SEED = 1;
const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const section = /^### A worked example\n([\s\S]*?)^##/m.exec(read('README.md'))?.[1] ?? '';
const reference = JSON.parse(read('test/fixtures/evaluation/reference.json')).example as Record<
  string,
  Record<'A' | 'B' | 'lead', { value: number; p?: number; wilson?: [number, number] }>
>;

/** A model's responses to a question of the example. */
interface Row {
  benchmark: string;
  question: string;
  right: string;
  greedy: string;
  samples: string[];
}

/** Both models' rows: each line has the benchmark, the question's number, what is right, and nine responses a model. */
const [a, b] = [0, 9].map((from) =>
  [...section.matchAll(/^([XY]) +(\d+) +(\d\d)((?: +(?:\d\d|--)){18})$/gm)].map(
    ([, benchmark, question, right, rest]) => {
      const [greedy, ...samples] = (rest ?? '')
        .trim()
        .split(/ +/)
        .slice(from, from + 9);
      return { benchmark, question, right, greedy, samples } as Row;
    },
  ),
) as [Row[], Row[]];

/** As an evaluation has them on record: whole responses, marked by the grader. */
function answered(rows: readonly Row[]): AnsweredItem[] {
  return rows.map(({ question: id, right, greedy, samples }) => {
    const answer = (mode: 'greedy' | 'sampled') => (printed: string, sample: number) => {
      const text = printed === '--' ? 'That takes too long.' : `So it is \\boxed{${printed}}.`;
      const read = extractAnswer(text);
      const correct = read !== null && sameAnswer(read, right);
      return {
        response: { id, mode, sample, text, stop: 'stop', tokens: 8 } as const,
        mark: { id, mode, sample, answer: read, correct, undecided: false, text: fingerprint(text), grader: GRADER },
      };
    };
    return {
      item: { id, question: id, answer: right },
      greedy: answer('greedy')(greedy, 0),
      sampled: samples.map(answer('sampled')),
    };
  });
}

/** A row of the table: the figure of A, that of B, what B is ahead by, and whether that is chance. */
interface Line {
  name: string;
  sides: [Figure, Figure];
  lead: Figure;
  p?: number | undefined;
}

function sat(rows: readonly Row[], metric: 'greedy' | 'mean'): SatBenchmark {
  const counts = { items: rows.length, available: rows.length, samples: 8, greedy: true, maxTokens: 64 };
  return { title: 'example', group: 'own', metric, origin: 'README.md', digest: '0', ...counts };
}

function figures(): Line[] {
  const models = [a, b] as const;
  const scores = models.map((rows) => scoreBenchmark('example', sat(rows, 'mean'), answered(rows), SEED, false));
  const values = (rows: readonly Row[], metric: 'greedy' | 'mean', benchmark = 'example'): ItemValues => {
    const each = metricValues(metric, answered(rows), byRule) ?? [];
    const byId = new Map(rows.map(({ question }, i) => [question, each[i] as number]));
    return { benchmark, title: benchmark, group: 'own', metric, counts: metric === 'mean', digest: null, values: byId };
  };

  // As `rzero compare` pairs them.
  const [before = [], after = []] = models.map((rows) => [values(rows, 'greedy'), values(rows, 'mean')]);
  const [greedy, mean] = pairScores(before, after, SEED).benchmarks;
  const paired = (of: (marks: ItemMarks) => number, name: string) => {
    const [old = [], now = []] = models.map((rows) => answered(rows).map((item) => of(marksOf(item, byRule))));
    const differences = now.map((value, i) => value - (old[i] as number));
    const p = pairedTest(differences, stream(SEED, 'paired', 'example', name)).pValue;
    return { lead: average(differences, SEED, 'paired', 'example', name), p };
  };
  const sides = (of: (each: BenchmarkScores) => Figure | null | undefined) => scores.map(of) as [Figure, Figure];
  const passes = [2, 4, 8].map((n) => ({
    name: `pass@${n}`,
    sides: sides(({ passAt }) => passAt.find((one) => one.n === n)?.figure),
    ...paired(({ sampled }) => passAtK(8, sampled.filter(Boolean).length, n), `pass@${n}`),
  }));

  const apart = (rows: readonly Row[]) =>
    ['X', 'Y'].map((name) => ({ name, rows: rows.filter(({ benchmark }) => benchmark === name) }));
  const macro = (rows: readonly Row[]) => {
    const both = apart(rows).map((one) => ({
      name: one.name,
      sat: sat(one.rows, 'mean'),
      answered: answered(one.rows),
    }));
    return macroAverages(both, { math: ['X', 'Y'], general: [] }, SEED, false).math?.rule.figure as Figure;
  };
  const [apartBefore = [], apartAfter = []] = models.map((rows) =>
    apart(rows).map((one) => values(one.rows, 'mean', one.name)),
  );
  return [
    { name: 'greedy', sides: sides((one) => one.greedy), lead: greedy?.difference as Figure, p: greedy?.pValue },
    { name: 'mean@8', sides: sides((one) => one.mean), lead: mean?.difference as Figure, p: mean?.pValue },
    {
      name: 'majority@8',
      sides: sides((one) => one.majority),
      ...paired(({ majority }) => Number(majority), 'majority'),
    },
    ...passes,
    {
      name: 'macro average of mean@8',
      sides: [macro(a), macro(b)],
      lead: pairScores(apartBefore, apartAfter, SEED).averages[0]?.difference as Figure,
    },
  ];
}

const points = (value: number) => value.toFixed(1).replace(/^-(?=0\.0$)/, '');
const interval = ({ low, high }: Figure) => `[${points(low)}, ${points(high)}]`;

test('has a dozen questions, of two benchmarks', () => {
  expect(a.map(({ benchmark }) => benchmark).join('')).toBe('XXXXXXXYYYYY');
});

test('what the README prints is what comes of the responses it prints', () => {
  const lines = figures().map(({ name, sides, lead, p }) => {
    const cells = sides.map((side) => `${points(side.value)} ${interval(side)}`);
    const ahead = `${lead.value < 0 ? '' : '+'}${points(lead.value)} ${interval(lead)}`;
    return `| ${[name, ...cells, ahead, p === undefined ? '' : p.toFixed(4)].join(' | ')} |`.replace(/ {2,}/g, ' ');
  });
  const printed = section.split('\n').filter((line) => /^\| (?!figure|---)/.test(line));
  expect(printed).toEqual(lines);
});

test.each(figures())('$name is what SciPy, statsmodels and NumPy make of them', ({ name, sides, lead, p }) => {
  const expected = reference[name];
  for (const [i, side] of (['A', 'B'] as const).entries()) {
    const { value, wilson } = expected?.[side] ?? {};
    expect(sides[i]?.value).toBeCloseTo(100 * (value as number), 10);
    if (wilson === undefined) continue;
    expect(sides[i]?.low).toBeCloseTo(100 * wilson[0], 10);
    expect(sides[i]?.high).toBeCloseTo(100 * wilson[1], 10);
  }
  expect(lead.value).toBeCloseTo(100 * (expected?.lead.value as number), 10);
  if (p !== undefined) expect(p).toBeCloseTo(expected?.lead.p as number, 12);
});
