import { describe, expect, test } from '@jest/globals';
import { buildScores } from '../../../ts/eval/buildScores.ts';
import { renderEvaluation } from '../../../ts/report/evalTable.ts';
import { answered, itemOf, satOf } from '../eval/answered.ts';

const document = {
  version: 1 as const,
  model: { name: 'my-model', identity: null, backbone: null, iteration: null },
  protocol: { temperature: 0.6, topP: 0.95, topK: 0, maxTokens: null, seed: 1, backend: 'vllm' },
  benchmarks: {},
};
const page = { colour: false, width: 100, folder: 'evals/my-model' };
const suites = { math: ['amc', 'gsm8k'], general: ['bbeh'] };
const judge = { model: 'judge-1', endpoint: 'http://localhost:1/v1', temperature: 0 };

const amc = {
  name: 'amc',
  sat: satOf({ title: 'AMC', samples: 2, metric: 'mean' }),
  answered: [itemOf('a', '7', '7', '6'), itemOf('b', '6', '6!', '-!')],
};
const render = (...[benchmarks, judged = null]: [(typeof amc)[], (typeof judge | null)?]) =>
  renderEvaluation(buildScores(document, benchmarks, suites, judged, '1'), page);

describe('the table of an evaluation', () => {
  const text = render([amc]);

  test('has a row a benchmark, with the figure that counts marked', () => {
    expect(text).toMatch(/^my-model: 1 benchmark$/m);
    expect(text).toMatch(/^ +items +k +greedy +mean@k +majority@k +pass@k$/m);
    expect(text).toMatch(
      /^AMC +2 +2 +50\.0 \[9\.5, 90\.5\] +25\.0\* \[0\.0, 50\.0\] +50\.0 \[.*\] +50\.0 \[0\.0, 100\]$/m,
    );
  });

  test('says how often responses were cut off, and warns where that is often', () => {
    expect(text).toMatch(/^AMC +sampled +50\.0 +25\.0 +0\.0 +2$/m);
    expect(text.replace(/\s+/g, ' ')).toContain(
      'Warning: AMC: 50 % of the responses were cut off at 16 tokens (--max-tokens)',
    );
  });

  test('says what an average is of, and what it lacks', () => {
    expect(text).toMatch(/^math +25\.0 \[0\.0, 50\.0\] +amc; not the paper's, without gsm8k$/m);
    expect(text).not.toMatch(/^(general|overall)/m);
  });

  test('says the protocol, that there was no judge, and where the responses are', () => {
    const flat = text.replace(/\s+/g, ' ');
    expect(flat).toContain(
      'Drawn with vllm: greedy at temperature 0, sampled at temperature 0.6, top-p 0.95, top-k off, seed 1',
    );
    expect(flat).toContain('No judge: the rule grader alone.');
    expect(flat).toContain('Responses, marks and scores: evals/my-model');
  });

  test('columns that say nothing are left out', () => {
    const greedy = render([
      { name: 'gsm8k', sat: satOf({ title: 'GSM8K' }), answered: [itemOf('a', '7'), itemOf('b', '6')] },
    ]);
    expect(greedy).toMatch(/^ +items +greedy$/m);
    expect(greedy).not.toMatch(/sampled/);
  });

  test('with a judge both gradings are there, and how they agree', () => {
    const greedy = { id: 'a', mode: 'greedy' as const, sample: 0 };
    const one = { ...itemOf('a', null), greedy: answered(greedy, '14/2', '7', true) };
    const two = { ...itemOf('b', null), greedy: answered({ ...greedy, id: 'b' }, '6', '7') };
    const judged = render([{ name: 'gsm8k', sat: satOf({ title: 'GSM8K' }), answered: [one, two] }], judge);
    expect(judged).toMatch(/^GSM8K +2 +0\.0\* \[0\.0, 65\.8\]$/m);
    expect(judged).toMatch(/^GSM8K +2 +50\.0\* \[9\.5, 90\.5\]$/m);
    expect(judged).toMatch(/^GSM8K +0\.0 % +0\.00 +1 +0 +1$/m);
    expect(judged).toMatch(/^math +0\.0 \[.*\] +50\.0 \[.*\] +gsm8k/m);
    const flat = judged.replace(/\s+/g, ' ');
    expect(flat).toContain('Judge: judge-1 at http://localhost:1/v1, temperature 0.');
    expect(flat).toContain(
      "Warning: GSM8K: the judge gave no verdict on 1 response: there the rule grader's mark counts",
    );
  });
});
