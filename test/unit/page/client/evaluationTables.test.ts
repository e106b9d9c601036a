import { expect, test } from '@jest/globals';
import { evaluationTable, evaluationTitle } from '../../../../ts/page/client/evaluationTables.ts';
import type { RunDocument } from '../../../../ts/page/document.ts';

type Scores = RunDocument['evaluations'][number];

const figure = (value: number) => ({ value, low: value - 1, high: value + 1 });
const rates = { truncated: 0.02, noBox: null, undecided: null };
const benchmark: Scores['benchmarks'][number] = {
  benchmark: 'gsm8k',
  title: 'GSM8K',
  group: 'math',
  items: 500,
  available: 1319,
  samples: 4,
  metric: 'mean',
  origin: '',
  digest: '',
  maxTokens: 100,
  rates: { greedy: rates, sampled: rates },
  meanTokens: { greedy: null, sampled: null },
  greedy: null,
  mean: figure(80),
  majority: figure(85),
  passAt: [
    { n: 1, figure: figure(80) },
    { n: 4, figure: figure(93) },
  ],
  judged: null,
};
const scores: Scores = {
  version: 1,
  program: '',
  model: { name: 'runs/a', identity: null, backbone: null, iteration: 2 },
  protocol: { temperature: 1, topP: 0.9, topK: -1, seed: 3, backend: 'torch', judge: null },
  benchmarks: [benchmark],
  averages: {
    math: { rule: { figure: figure(80), benchmarks: ['gsm8k'], missing: ['aime24'] }, judged: null },
    general: null,
    overall: null,
  },
};

test('a benchmark a row, then the means; columns without a figure are left out', () => {
  expect(evaluationTable(scores)).toEqual({
    head: ['benchmark', 'problems', 'mean@k', 'majority@k', 'pass@n', 'cut off'],
    rows: [
      [
        'GSM8K',
        '500 of 1,319',
        '80.0\u00a0% [79.0, 81.0], k = 4',
        '85.0\u00a0% [84.0, 86.0]',
        '93.0\u00a0% [92.0, 94.0], n = 4',
        '2.0\u00a0%',
      ],
      ['mean, math (without aime24)', '', '80.0\u00a0% [79.0, 81.0]', '', '', ''],
    ],
  });
});

test('says which model, and how it was asked', () => {
  expect(evaluationTitle(scores)).toEqual({
    title: 'runs/a, iteration 2',
    note: 'temperature 1, top-p 0.9, seed 3, graded by rule',
  });
});
