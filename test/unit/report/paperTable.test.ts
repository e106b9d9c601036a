import { describe, expect, test } from '@jest/globals';
import { renderPaperTable } from '../../../ts/report/paperTable.ts';
import { benchmarkScores, macroAverage, scoresDocument } from '../paper/scores.ts';

const page = { colour: false, width: 100 };

describe('renderPaperTable', () => {
  const averages = {
    math: { rule: macroAverage(45.12, ['amc']), judged: macroAverage(47.5, ['amc']) },
    general: null,
    overall: null,
  };
  const scores = scoresDocument(
    [
      benchmarkScores('minerva', 20.5, {
        judged: { ...accuracies(40.25), agreement: 0.9, kappa: 0.8, given: 3, taken: 1, missing: 0 },
      }),
      benchmarkScores('gsm8k', 81.43),
    ],
    { averages },
  );

  const text = renderPaperTable([{ name: 'run, iteration 3', scores }], 'qwen3-4b', page);
  const line = (start: string) => text.split('\n').find((one) => one.startsWith(start));

  test('ours stand above the paper’s rows of the same backbone, whose tables are named', () => {
    expect(line('run, iteration 3')).toMatch(/45\.1\*\s+20\.5\s+81\.4$/);
    expect(line('  95 % interval')).toMatch(/43-47\s+19-23\s+79-83$/);
    expect(line('  with the judge')).toMatch(/47\.5\*\s+40\.3$/);
    const [, v1 = '', table1 = ''] = /v1 averages\n(.*)v4 table 1\n(.*)issue 19\n/s.exec(text) ?? [];
    expect(v1).toMatch(/R-Zero, iteration 3\s+49\.07\n/);
    expect(table1).toMatch(
      /R-Zero, iteration 3\s+49\.93\s+57\.27\s+52\.94\s+79\.60\s+92\.12\s+44\.59\s+9\.60\s+13\.40\n/,
    );
    expect(text).toContain('v4 table 1: v4 (2026-02), table 1: mathematics.');
    expect(text.indexOf('run, iteration 3')).toBeLessThan(text.indexOf('v4 table 1\n'));
  });

  test('a partial average is marked, differences of protocol are listed, and no line is too wide', () => {
    expect(text).toContain('* not the figure of the tables');
    expect(text).toMatch(/What differs in protocol\n {2}Judge\n {4}here {3}none/);
    for (const one of text.split('\n')) expect(one.length).toBeLessThanOrEqual(110);
  });

  test('no block of what was not sat', () => {
    expect(text).not.toContain('General reasoning, % right');
  });

  test('a backbone that the paper does not have', () => {
    const alone = renderPaperTable([{ name: 'mine', scores }], null, page);
    expect(alone).toContain('The paper has no rows for this backbone');
    expect(alone).not.toContain('v4 table 1');
    expect(alone).toContain('mine');
  });

  test('a benchmark of which the first items alone were sat is marked', () => {
    const some = scoresDocument([benchmarkScores('gsm8k', 81.43, { available: 1319 })]);
    const alone = renderPaperTable([{ name: 'mine', scores: some }], null, page);
    expect(alone).toMatch(/\nmine +81\.4\*\n/);
    expect(alone).toContain('of a benchmark the first items alone were sat');
  });

  test('benchmarks that the paper does not have stand by themselves', () => {
    const others = scoresDocument([benchmarkScores('arithmetic', 49.1, { group: 'embedded' })]);
    const alone = renderPaperTable([{ name: 'mine', scores: others }], null, page);
    expect(alone).toMatch(/^Others, % right +ARITHMETIC\nmine +49\.1\n/);
    expect(alone).not.toContain('protocol');
  });
});

function accuracies(value: number) {
  return { greedy: { value, low: value, high: value }, mean: null, majority: null, passAt: [] };
}
