import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../ts/config/load.ts';
import { type CardFacts, modelCard } from '../../../ts/publish/card.ts';
import { datasetCard } from '../../../ts/publish/datasetCard.ts';
import { frontMatterOf } from '../../../ts/publish/frontMatter.ts';
import type { IterationSummary } from '../../../ts/report/runSummary.ts';

const figure = (value: number) => ({ value, low: value - 2.5, high: value + 2.5 });
const scores = (value: number) => ({
  questions: 640,
  samples: 4,
  greedy: figure(value + 10),
  mean: figure(value),
  majority: figure(value + 5),
  bySteps: [],
});
const asked = { count: 0, wellPosed: 0, meanSteps: null, multiplications: null, distinct: 1, heldOut: 0, inExam: 0 };
const iteration = (number: number): IterationSummary => ({
  iteration: number,
  phases: {
    questions: { steps: 0, mean: {}, last: { candidates: 8000, wellFormed: 0.97, kept: 3120, keptShare: 0.39 } },
  },
  audit: {
    asked: { ...asked, labelAccuracy: null, labelAccuracyWellPosed: null },
    kept: { ...asked, labelAccuracy: null, labelAccuracyWellPosed: null },
  },
  warnings: [],
});

const FACTS: CardFacts = {
  role: 'solver',
  iteration: 2,
  name: 'me/solver',
  run: { preset: 'paper', arm: 'full', seed: 1, iterations: 3, finished: false, configHash: 'ab12', version: '0.1.0' },
  base: { title: 'Qwen/Qwen3-4B-Base', hub: 'Qwen/Qwen3-4B-Base', licence: { license: 'apache-2.0' } },
  weights: { form: 'whole', dtype: 'bfloat16', why: "the base model's type; trained as float32" },
  settings: loadConfig({ preset: 'paper' }),
  summary: {
    run: {
      preset: 'paper',
      arm: 'full',
      seed: 1,
      model: 'Qwen/Qwen3-4B-Base',
      iterations: 2,
      exam: 'two-digit arithmetic chains',
    },
    evaluations: [
      { iteration: 0, scores: scores(30), gain: null },
      { iteration: 1, scores: scores(40), gain: null },
      {
        iteration: 2,
        scores: scores(45),
        gain: {
          greedy: { figure: figure(15) },
          mean: { figure: figure(15) },
          majority: { figure: figure(15) },
          withinReach: 1,
        },
      },
    ],
    iterations: [iteration(1), iteration(2)],
  },
  problem: 'What is 6 * 7?',
};

describe('a model card', () => {
  test('is this, word for word', () => {
    const golden = new URL('../../fixtures/publish/card.md', import.meta.url);
    expect(modelCard(FACTS)).toBe(readFileSync(golden, 'utf8'));
  });

  test('of an iteration that was not measured has no results of others, and says so', () => {
    const card = modelCard({ ...FACTS, iteration: 3 });
    expect(frontMatterOf(card)['model-index']).toBeUndefined();
    expect(card).toMatch(/This iteration itself was not measured/);
    const none = { ...FACTS.summary, evaluations: [], iterations: [] };
    expect(modelCard({ ...FACTS, summary: none })).toMatch(/has not measured anything yet/);
  });

  test("of a Challenger gives its prompt, and the Solver's results as the Solver's", () => {
    const card = modelCard({ ...FACTS, role: 'challenger' });
    expect(card).toMatch(/"content": "Write one new problem\."/);
    expect(card).toMatch(/those of the Solver of the same run/);
    expect(frontMatterOf(card)['model-index']).toBeUndefined();
  });

  test('of adapters names their library and relation; of merged ones, that of whole weights', () => {
    const adapter = frontMatterOf(modelCard({ ...FACTS, weights: { form: 'adapter', dtype: 'float32', why: 'x' } }));
    expect(adapter).toMatchObject({ library_name: 'peft', base_model_relation: 'adapter' });
    const merged = frontMatterOf(modelCard({ ...FACTS, weights: { form: 'merged', dtype: 'float32', why: 'x' } }));
    expect(merged).toMatchObject({ library_name: 'transformers', base_model_relation: 'finetune' });
  });

  test('shows what a licence wants shown, and warns where use is limited or unknown', () => {
    const under = (licence: object) => modelCard({ ...FACTS, base: { ...FACTS.base, licence } });
    expect(under({ license: 'llama3.2' })).toMatch(/\*\*Built with Llama\*\*/);
    expect(under({ license: 'cc-by-nc-4.0' })).toMatch(/\*\*Commercial use is not allowed/);
    expect(under({})).toMatch(/under a licence that is not known here/);
    const other = under({ license: 'other', name: 'qwen-research', link: 'LICENSE' });
    expect(frontMatterOf(other)).toMatchObject({
      license: 'other',
      license_name: 'qwen-research',
      license_link: 'https://huggingface.co/Qwen/Qwen3-4B-Base/blob/main/LICENSE',
    });
  });

  test('says where labels had a say', () => {
    const settings = loadConfig({ preset: 'paper', sets: ['warnings.accuracy.action=roll-back'] });
    expect(modelCard({ ...FACTS, settings })).toContain(
      'no labels from people, but that its exam says where a roll-back',
    );
  });

  test('does not let names of others be markup, or metadata', () => {
    const title = 'x\n---\n<script>alert(1)</script> | [a](b)';
    const base = { title, licence: { license: 'mit\nmodel-index: 1' } };
    const card = modelCard({ ...FACTS, base });
    expect(card.split(/^---$/m)[2]).not.toMatch(/[^\\]<script|[^\\]\[a\]/);
    expect(card.match(/^---$/gm)).toHaveLength(2);
    expect(Object.keys(frontMatterOf(card))).not.toContain('x');
    expect(frontMatterOf(card).license).toBe('mit\nmodel-index: 1');
    expect(modelCard({ ...FACTS, name: 'a"; import os #' })).toContain('name = "a\\"; import os #"  # this folder');
  });
});

test('a dataset card counts what became of the questions', () => {
  const card = datasetCard({
    run: { preset: 'paper', arm: 'full', seed: 1, configHash: 'ab12', version: '0.1.0' },
    base: FACTS.base,
    iterations: [
      { iteration: 1, file: 'data/iteration-1.jsonl', fates: { too_easy: 5, kept: 3 } },
      { iteration: 2, file: 'data/iteration-2.jsonl', fates: { kept: 4, malformed: 1 } },
    ],
  });
  expect(card).toMatch(/\| iteration \| asked \| `kept` \| `malformed` \| `too_easy` \|/);
  expect(card).toMatch(/\| 1 \| 8 \| 3 \| 0 \| 5 \|\n\| 2 \| 5 \| 4 \| 1 \| 0 \|/);
  expect(frontMatterOf(card)).toMatchObject({
    configs: [{ data_files: [{ split: 'train', path: ['data/iteration-1.jsonl', 'data/iteration-2.jsonl'] }] }],
    size_categories: ['n<1K'],
  });
});
