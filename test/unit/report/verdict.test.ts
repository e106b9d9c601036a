import { describe, expect, test } from '@jest/globals';
import type { Comparison } from '../../../ts/eval/compare.ts';
import type { RunSummary } from '../../../ts/report/runSummary.ts';
import { verdict } from '../../../ts/report/verdict.ts';
import { comparison, sampleSummary, scores } from './sample.ts';

/** A run whose base has mean@k of 38.2 %, and whose only iteration has `mean` and differs by `gain`. */
function run(mean: number, gain: Partial<Comparison>): RunSummary {
  return {
    ...sampleSummary(),
    evaluations: [
      { iteration: 0, scores: scores(38.2), gain: null },
      { iteration: 1, scores: scores(mean), gain: { withinReach: 0.97, ...gain } },
    ],
  };
}

const figure = (value: number, low: number, high: number) => ({ value, low, high });

describe('the verdict', () => {
  test('on a gain says how much and from what', () => {
    expect(verdict(sampleSummary())).toBe(
      "Better: after 3 iterations mean@4 is 91.0 %, up 52.8 points from the base's 38.2 % (95 % interval 50.1 to 55.4): " +
        '+31.7 from working problems out more often, +21.1 from fewer slips. ' +
        'The run elicits and sharpens what the base already had: ' +
        'of the problems it now answers right, the base had answered 97 % right at least once.',
    );
  });

  test('says `elicits` only where more was worked out, `sharpens` only where slips got fewer', () => {
    const by = (choosing: number, slips: number) =>
      verdict(run(48.2, { mean: { figure: figure(10, 8, 12), parts: { choosing, slips } } }));
    expect(by(10, 0)).toContain('The run elicits what the base already had');
    expect(by(0.4, 9.6)).toContain('The run sharpens what the base already had');
    expect(by(13, -3)).toContain(
      '+13.0 from working problems out more often, -3.0 from more slips. The run elicits what',
    );
    expect(by(-2, 12)).toContain('-2.0 from working problems out less often, +12.0 from fewer slips. The run sharpens');
  });

  test('does not say that the base had it where it had not', () => {
    const text = verdict(run(60, { ...comparison(21.8), withinReach: 0.555 }));
    expect(text).not.toContain('already had');
    expect(text).toContain('the base had answered only 55 % right at least once.');
    expect(verdict(run(60, { ...comparison(21.8), withinReach: null }))).toMatch(/slips\.$/);
  });

  test('on no gain says so, whatever the sign', () => {
    const text = verdict(run(38.9, { mean: { figure: figure(0.7, -1, 2.4), parts: { choosing: 5, slips: -4.3 } } }));
    expect(text).toBe(
      "No gain: after 1 iteration mean@4 is 38.9 %, the base's 38.2 %; the difference of +0.7 points is within noise " +
        '(95 % interval -1.0 to 2.4).',
    );
    expect(verdict(run(38.2, { mean: { figure: figure(0, 0, 0) } }))).toMatch(/^No gain: .* of \+0\.0 points/);
    expect(verdict(run(37.9, { mean: { figure: figure(-0.3, -1.2, 0.6) } }))).toMatch(/^No gain: .* of -0\.3 points/);
  });

  test('on a loss says so', () => {
    const text = verdict(run(20.2, { mean: { figure: figure(-18, -20, -16), parts: { choosing: -3, slips: -15 } } }));
    expect(text).toBe(
      "Worse: after 1 iteration mean@4 is 20.2 %, down 18.0 points from the base's 38.2 % " +
        '(95 % interval -20.0 to -16.0): -3.0 from working problems out less often, -15.0 from more slips.',
    );
  });

  test('is on the greedy answers where nothing was sampled', () => {
    expect(verdict(run(38.2, { greedy: { figure: figure(5, 3, 7) } }))).toMatch(
      /^Better: after 1 iteration greedy accuracy is 21\.0 %, up 5\.0 points/,
    );
  });

  test('without an iteration is none', () => {
    const summary = sampleSummary();
    const expected = 'Nothing to compare: no iteration was evaluated beside the base model.';
    expect(verdict({ ...summary, evaluations: summary.evaluations.slice(0, 1) })).toBe(expected);
    expect(verdict({ ...summary, evaluations: [] })).toBe(expected);
  });
});
