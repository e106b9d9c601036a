import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { sameAnswer } from '../../../ts/domain/answers/compare.ts';
import { extractAnswer } from '../../../ts/domain/answers/extract.ts';
import { pairedTest } from '../../../ts/domain/pairedTest.ts';
import { passAtK } from '../../../ts/domain/passAtK.ts';
import { stream } from '../../../ts/domain/random.ts';
import { macroInterval, mean } from '../../../ts/domain/statistics.ts';
import { majorityVote } from '../../../ts/domain/vote.ts';
import { compareEvaluations } from '../../../ts/eval/compare.ts';
import type { EvaluationRecord } from '../../../ts/eval/records.ts';
import { average, type Figure, scoreEvaluation } from '../../../ts/eval/scores.ts';

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

/** As an evaluation records them: whole responses, marked by the grader. */
function records(rows: readonly Row[]): EvaluationRecord[] {
  const text = (answer: string) => (answer === '--' ? 'That takes too long.' : `So it is \\boxed{${answer}}.`);
  const isRight = (answer: string | null, right: string) => answer !== null && sameAnswer(answer, right);
  return rows.flatMap(({ question, right, greedy, samples }) => {
    const mark = (responses: string[]) => responses.map((response) => isRight(extractAnswer(response), right));
    const [once, often] = [[text(greedy)], samples.map(text)];
    const vote = majorityVote(often.map((response) => extractAnswer(response))).label;
    return [
      { question, mode: 'greedy', responses: once, correct: mark(once) },
      { question, mode: 'sampled', responses: often, correct: mark(often), majorityCorrect: isRight(vote, right) },
    ];
  });
}

/** A row of the table: the figure of A, that of B, what B is ahead by, and whether that is chance. */
interface Line {
  name: string;
  sides: [Figure, Figure];
  lead: Figure;
  p?: number;
}

const percent = (value: number, interval: readonly [number, number]): Figure => ({
  value: 100 * value,
  low: 100 * interval[0],
  high: 100 * interval[1],
});

function figures(): Line[] {
  const both = [records(a), records(b)] as const;
  const scores = both.map((each) => scoreEvaluation(each, SEED));
  const gains = compareEvaluations(...both, SEED);
  const differences = (value: (record: EvaluationRecord) => number, mode: string) => {
    const [first = [], second = []] = both.map((each) => each.filter((record) => record.mode === mode).map(value));
    return second.map((mark, i) => mark - (first[i] as number));
  };
  const p = (value: (record: EvaluationRecord) => number, mode: string) =>
    pairedTest(differences(value, mode), stream(SEED, 'paired')).pValue;
  const share = ({ correct }: EvaluationRecord) => mean(correct.map(Number));
  const vote = ({ majorityCorrect }: EvaluationRecord) => Number(majorityCorrect);

  const known = (['greedy', 'mean', 'majority'] as const).map((key): Line => {
    const value = key === 'majority' ? vote : share;
    return {
      name: key === 'greedy' ? key : `${key}@8`,
      sides: scores.map((each) => each[key]) as [Figure, Figure],
      lead: gains[key]?.figure as Figure,
      p: p(value, key === 'greedy' ? key : 'sampled'),
    };
  });

  const passes = [2, 4, 8].map((n): Line => {
    const value = ({ correct }: EvaluationRecord) => passAtK(8, correct.filter(Boolean).length, n);
    const sides = both.map((each) => each.filter(({ mode }) => mode === 'sampled').map(value));
    return {
      name: `pass@${n}`,
      sides: sides.map((values) => average(values, SEED, 'pass', String(n))) as [Figure, Figure],
      lead: average(differences(value, 'sampled'), SEED, 'gain', 'pass', String(n)),
      p: p(value, 'sampled'),
    };
  });

  const byBenchmark = (values: readonly number[]) =>
    ['X', 'Y'].map((name) => values.filter((_, i) => a[i]?.benchmark === name));
  const macro = (values: readonly number[]) => {
    const groups = byBenchmark(values);
    return percent(mean(groups.map(mean)), macroInterval(groups, stream(SEED, 'bootstrap', 'macro')));
  };
  return [
    ...known,
    ...passes,
    {
      name: 'macro average of mean@8',
      sides: both.map((each) => macro(each.filter(({ mode }) => mode === 'sampled').map(share))) as [Figure, Figure],
      lead: macro(differences(share, 'sampled')),
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
