import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { Item } from '../../../ts/benchmarks/benchmark.ts';
import { type HubSource, isPinned } from '../../../ts/benchmarks/description.ts';
import { loadSuite } from '../../../ts/benchmarks/load.ts';
import { REGISTRY } from '../../../ts/benchmarks/registry.ts';
import { writeParquet } from '../../fixtures/parquet.ts';

const home = mkdtempSync(join(tmpdir(), 'rzero-registry-'));
afterAll(() => rmSync(home, { recursive: true }));

/** A row of each data set in the shape in which the hub has it (made up here), the item that it is, and a right response. */
const ROWS: Readonly<Record<string, { row: object; item: Item; right: string }>> = {
  amc: {
    row: { id: 3n, answer: 27, url: 'https://example.org/3', question: 'How many?' },
    item: { id: '1', question: 'How many?', answer: '27' },
    right: '\\boxed{27.0}',
  },
  minerva: {
    row: { problem: 'How fast?', solution: 'So $\\boxed{3e8}$.', type: 'Physics', idx: 0n, answer: '3e8' },
    item: { id: '1', question: 'How fast?', answer: '3e8' },
    right: '\\boxed{3 \\times 10^8}',
  },
  'math-500': {
    row: {
      problem: 'Half?',
      solution: 'It is $\\boxed{\\frac{1}{2}}$.',
      answer: '\\frac{1}{2}',
      subject: 'Algebra',
      level: 2,
      unique_id: 'test/algebra/1.json',
    },
    item: { id: 'test/algebra/1.json', question: 'Half?', answer: '\\frac{1}{2}', category: 'Algebra' },
    right: '\\boxed{0.5}',
  },
  gsm8k: {
    row: { question: 'How much?', answer: 'It is 2*2=<<2*2=4>>4.\nAnd a thousand.\n#### 1,004' },
    item: { id: '1', question: 'How much?', answer: '1,004' },
    right: '\\boxed{1004}',
  },
  olympiadbench: {
    row: { id: 1606n, subfield: 'Geometry', question: 'Which?', solution: ['Look.'], final_answer: ['$\\sqrt{2}$'] },
    item: { id: '1', question: 'Which?', answer: '$\\sqrt{2}$' },
    right: '\\boxed{2^{1/2}}',
  },
  'aime-2025': {
    row: { id: '0', problem: 'Find it.', answer: '070', solution: 'It is 70.', url: '', year: '2025' },
    item: { id: '0', question: 'Find it.', answer: '070' },
    right: '\\boxed{70}',
  },
  'aime-2024': {
    row: {
      id: 60n,
      problem: 'Find it.',
      solution: 'It is 33.',
      answer: '033',
      url: 'https://example.org',
      year: '2024',
    },
    item: { id: '60', question: 'Find it.', answer: '033' },
    right: '\\boxed{33}',
  },
  supergpqa: {
    row: {
      uuid: 'abc',
      question: 'Who?',
      options: ['Ann', 'Bob', 'Cid'],
      answer: 'Bob',
      answer_letter: 'B',
      discipline: 'History',
      field: 'History',
      subfield: 'World History',
      difficulty: 'hard',
      is_calculation: false,
    },
    item: { id: 'abc', question: 'Who?', choices: ['Ann', 'Bob', 'Cid'], answer: 'B', category: 'History' },
    right: 'The answer is (B).',
  },
  'mmlu-pro': {
    row: {
      question_id: 70n,
      question: 'What?',
      options: ['one', 'two', 'three', 'four'],
      answer: 'D',
      answer_index: 3n,
      cot_content: '',
      category: 'law',
      src: 'x',
    },
    item: { id: '70', question: 'What?', choices: ['one', 'two', 'three', 'four'], answer: 'D', category: 'law' },
    right: '\\boxed{\\text{four}}',
  },
  bbeh: {
    row: { question: 'Which holds?\nOptions:\n(A) This\n(B) That', answer: '(B)', task: 'boolean expressions' },
    item: {
      id: '1',
      question: 'Which holds?\nOptions:\n(A) This\n(B) That',
      answer: '(B)',
      category: 'boolean expressions',
    },
    right: '\\boxed{B}',
  },
};

describe.each(REGISTRY.map(({ name }) => name))('%s', (name) => {
  const { row, item, right } = ROWS[name] as (typeof ROWS)[string];
  test('a record as the hub has it is an item', async () => {
    const download = async ({ files }: HubSource) => {
      const paths = files.map((file) => join(home, name, file));
      for (const path of paths) {
        mkdirSync(join(path, '..'), { recursive: true });
        if (path.endsWith('.parquet')) writeParquet(path, [row]);
        else writeFileSync(path, `${JSON.stringify(row)}\n`);
      }
      return { files: paths, commit: 'c0ffee' };
    };
    const tools = { download, openTask: () => Promise.reject(new Error('no task')) };
    const signal = new AbortController().signal;
    const [benchmark] = await loadSuite(name, { workingFolder: home, tools, signal });
    expect(benchmark?.items).toEqual([item]);
    const [first, second] = (await benchmark?.grade(item, [right, 'No idea.'])) ?? [];
    expect(first).toMatchObject({ correct: true, undecided: false });
    expect(second).toEqual({ answer: null, correct: false, undecided: false });
  });
});

test("the README's table says what the registry does", () => {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  for (const { name, source, items, metric, samples } of REGISTRY) {
    const { hub, revision } = source as HubSource;
    const pin = isPinned(source as HubSource) ? `\`${revision.slice(0, 8)}\`` : 'not pinned';
    const row = readme.split('\n').find((line) => line.startsWith(`| \`${name}\` | ${hub}`));
    const counts = metric === 'greedy' ? 'greedy' : `mean@${samples}`;
    expect(row).toContain(`| ${pin} | ${items?.toLocaleString('en')} | ${counts} |`);
  }
});

test("they are the paper's, in two groups, with its k", () => {
  const names = (which: (each: (typeof REGISTRY)[number]) => boolean) => REGISTRY.filter(which).map(({ name }) => name);
  expect(names(({ group }) => group === 'math')).toHaveLength(7);
  expect(names(({ group }) => group === 'general')).toEqual(['supergpqa', 'mmlu-pro', 'bbeh']);
  expect(names(({ source }) => !isPinned(source as HubSource))).toEqual(['minerva', 'olympiadbench', 'bbeh']);
  expect(names(({ samples }) => samples === 32)).toEqual(['amc', 'aime-2025', 'aime-2024']);
  expect(names(({ metric }) => metric === 'mean')).toEqual(['amc', 'aime-2025', 'aime-2024']);
  expect(names(({ group, maxTokens }) => maxTokens !== (group === 'math' ? 4096 : 8192))).toEqual([]);
});
