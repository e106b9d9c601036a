import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { type LoadOptions, loadSuite } from '../../../ts/benchmarks/load.ts';
import type { BenchmarkTools } from '../../../ts/benchmarks/tools.ts';
import { evaluateQuestion } from '../../../ts/eval/arithmetic.ts';
import { createArithmeticExam } from '../../../ts/eval/exam.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-benchmarks-'));
afterAll(() => rmSync(home, { recursive: true }));

function write(name: string, text: string): string {
  writeFileSync(join(home, name), text);
  return name;
}

const unused = () => Promise.reject(new Error('nothing is to be fetched'));
const options = (more: Partial<LoadOptions> = {}): LoadOptions => ({
  workingFolder: home,
  tools: { download: unused, openTask: unused },
  signal: new AbortController().signal,
  ...more,
});
const tools = (given: Partial<BenchmarkTools>): BenchmarkTools => ({ download: unused, openTask: unused, ...given });
const one = async (suite: string, more?: Partial<LoadOptions>) => {
  const [benchmark, ...others] = await loadSuite(suite, options(more));
  if (benchmark === undefined || others.length > 0) throw new Error(`${suite}: ${others.length + 1} benchmarks`);
  return benchmark;
};

describe('the embedded suites', () => {
  test('arithmetic asks what the exam of a run asks', async () => {
    const benchmark = await one('arithmetic');
    expect(benchmark.items.map(({ question }) => question)).toEqual(createArithmeticExam(640).questions);
    for (const { question, answer } of benchmark.items) expect(answer).toBe(evaluateQuestion(question));
    expect(benchmark).toMatchObject({ group: 'embedded', metric: 'mean', samples: 4, maxTokens: 64 });
    expect(new Set(benchmark.items.map(({ category }) => category)).size).toBe(10);
  });

  test.each([1, 10])('arithmetic-%d has questions of that length alone', async (steps) => {
    const { items } = await one(`arithmetic-${steps}`);
    expect(items).toHaveLength(100);
    expect(new Set(items.map(({ category }) => category))).toEqual(new Set([steps === 1 ? '1 step' : '10 steps']));
  });

  test('a right answer in a box counts, and the last box does', async () => {
    const benchmark = await one('arithmetic');
    const item = benchmark.items[3] as (typeof benchmark.items)[number];
    const right = `\\boxed{${item.answer}}`;
    expect(await benchmark.grade(item, [right, `${right}. No: \\boxed{-1}`, item.answer])).toEqual([
      { answer: item.answer, correct: true, undecided: false },
      { answer: '-1', correct: false, undecided: false },
      { answer: null, correct: false, undecided: false },
    ]);
  });
});

describe('data in a folder', () => {
  test('NAME.jsonl stands for the hub', async () => {
    write(
      'gsm8k.jsonl',
      '{"question": "1+1?", "answer": "One and one.\\n#### 2"}\n\n{"question": "2+2?", "answer": "#### 4"}\n',
    );
    const benchmark = await one('gsm8k', { data: '.' });
    expect(benchmark.items).toEqual([
      { id: '1', question: '1+1?', answer: '2' },
      { id: '2', question: '2+2?', answer: '4' },
    ]);
    expect(benchmark.origin).toBe('gsm8k.jsonl');
    expect(benchmark.conversation(benchmark.items[0] as never).messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
    ]);
  });

  test('a folder without it is named, with what may be there', async () => {
    await expect(one('amc', { data: 'nowhere' })).rejects.toMatchObject({
      code: 'data',
      message:
        'the data folder nowhere has no amc.jsonl, amc.json, amc.csv, amc.parquet: amc is read from one of these',
    });
  });

  test('a bad record is named by file, line, field, what was seen and what is allowed', async () => {
    write('minerva.jsonl', '{"problem": "?", "answer": "1"}\n{"problem": "?", "answer": ["1"]}\n');
    await expect(one('minerva', { data: home })).rejects.toMatchObject({
      code: 'data',
      message: `${join(home, 'minerva.jsonl')}, line 2: field answer is ["1"]: it must be a text or a number`,
    });
  });

  test('ids are unique, and there is a record', async () => {
    write('aime-2024.jsonl', '{"id": 7, "problem": "a", "answer": 1}\n{"id": 7, "problem": "b", "answer": 2}\n');
    await expect(one('aime-2024', { data: '.' })).rejects.toThrow(
      'aime-2024.jsonl, line 2: the id "7" is that of line 1 too',
    );
    write('aime-2025.jsonl', '\n');
    await expect(one('aime-2025', { data: '.' })).rejects.toThrow('aime-2025.jsonl has no record: AIME 2025 needs');
  });
});

test('from the hub, what was downloaded and its commit', async () => {
  const file = join(home, write('main-amc.jsonl', '{"question": "?", "answer": 27.0}\n'));
  const seen: unknown[] = [];
  const download: BenchmarkTools['download'] = async (source) => {
    seen.push(source);
    return { files: [file], commit: 'c0ffee' };
  };
  const benchmark = await one('amc', { tools: tools({ download }) });
  expect(benchmark.origin).toBe('zwhe99/amc23 at c0ffee');
  expect(benchmark.items[0]?.answer).toBe('27');
  expect(seen).toMatchObject([{ hub: 'zwhe99/amc23', files: ['data/test-00000-of-00001.parquet'] }]);
});

describe('a task of Reasoning Gym', () => {
  const openTask: BenchmarkTools['openTask'] = async ({ size }) => ({
    version: '1.2',
    items: Array.from({ length: size }, (_, index) => ({ question: `${index}?`, answer: `${index}` })),
    score: async (item, answers) =>
      answers.map((answer) => (answer === '?' ? null : answer === `${item}` || answer === '2 ** 3\n #' ? 1 : 0.5)),
  });

  test('scores its answers itself: only a full score is right, and none is undecided', async () => {
    const benchmark = await one('reasoning-gym:toy:size=3:seed=7', { tools: tools({ openTask }) });
    expect(benchmark.origin).toBe('reasoning-gym 1.2, toy, seed 7');
    const item = { ...(benchmark.items[2] as (typeof benchmark.items)[number]) };
    expect(
      await benchmark.grade(item, [
        '\\boxed{1}',
        'no box',
        '$\\boxed{\\text{2}}$',
        '\\boxed{?}',
        '\\boxed{2 ** 3\n #}',
      ]),
    ).toEqual([
      { answer: '1', correct: false, undecided: false },
      { answer: null, correct: false, undecided: false },
      { answer: '2', correct: true, undecided: false },
      { answer: '?', correct: false, undecided: true },
      { answer: '2 ** 3\n #', correct: true, undecided: false },
    ]);
  });
});

describe('the digest', () => {
  const digestOf = async (text: string, more = '') => {
    write('d.jsonl', text);
    write('d.yml', `source: {file: d.jsonl}\n${more}`);
    return (await one('d.yml')).digest;
  };
  const LINE = '{"question": "q", "answer": "a"}\n';

  test('is that of the items, and of how they are asked and graded', async () => {
    const digest = await digestOf(LINE);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect((await one('d.yml')).origin).toBe('d.jsonl');
    expect(await digestOf(LINE, 'title: Another\nsamples: 4\nmaxTokens: 9')).toBe(digest);
    const others = [
      await digestOf(LINE.replace('q"', 'p"')),
      await digestOf(LINE.replace('a"', 'b"')),
      await digestOf(LINE + LINE),
      await digestOf(LINE, 'extraction: exact'),
      await digestOf(LINE, 'prompt: {user: "{question} Please."}'),
    ];
    expect(new Set([digest, ...others]).size).toBe(6);
  });
});

test('a suite stops when it is told to', async () => {
  await expect(loadSuite('arithmetic', options({ signal: AbortSignal.abort('SIGINT') }))).rejects.toBe('SIGINT');
});
