import { describe, expect, test } from '@jest/globals';
import { compareEvaluations, gainPValue } from '../../../ts/eval/compare.ts';
import type { EvaluationRecord, Mode } from '../../../ts/eval/records.ts';
import { scoreEvaluation } from '../../../ts/eval/scores.ts';

const OPENING = 'Keep only the last two digits. Start with ';
const ONE = `${OPENING}56. (1) Add 5.`;
const TWO = `${OPENING}57. (1) Add 5.`;
const THREE = `${OPENING}58. (1) Add 6. (2) Add 8. (3) Add 4.`;
const FOUR = 'a question of another domain';

/** A record from marks: `W` and `w` are worked answers, right and wrong, `T` and `t` terse ones. */
function record(mode: Mode, question: string, marks: string, majorityCorrect?: boolean): EvaluationRecord {
  return {
    question,
    mode,
    responses: [...marks].map((mark) => (mark.toLowerCase() === 'w' ? 'so \\boxed{1}' : '\\boxed{1}')),
    correct: [...marks].map((mark) => mark === mark.toUpperCase()),
    ...(majorityCorrect === undefined ? {} : { majorityCorrect }),
  };
}

const base = [
  record('greedy', ONE, 'T'),
  record('greedy', TWO, 't'),
  record('greedy', THREE, 't'),
  record('greedy', FOUR, 't'),
  record('sampled', ONE, 'Wt', true),
  record('sampled', TWO, 'tt', false),
  record('sampled', THREE, 'wt', false),
  record('sampled', FOUR, 'Tt', true),
];
const trained = [
  record('greedy', ONE, 'W'),
  record('greedy', TWO, 'W'),
  record('greedy', THREE, 'w'),
  record('greedy', FOUR, 'W'),
  record('sampled', ONE, 'WW', true),
  record('sampled', TWO, 'Ww', true),
  record('sampled', THREE, 'ww', false),
  record('sampled', FOUR, 'WT', true),
];

describe('scores', () => {
  const scores = scoreEvaluation([...base, record('worked', ONE, 'Ww', true), record('worked', TWO, 'WW', true)], 1);

  test('are percentages of the marks', () => {
    // Greedy 1 of 4. Sampled 2 of 8 (0.5, 0, 0, 0.5). Majority 2 of 4. Worked 3 of 4.
    expect(scores).toMatchObject({ questions: 4, samples: 2 });
    expect(scores.greedy?.value).toBe(25);
    expect(scores.mean?.value).toBe(25);
    expect(scores.majority?.value).toBe(50);
    expect(scores.worked?.value).toBe(75);
  });

  test('have intervals', () => {
    // Wilson for 1 of 4 with z = 1.96: centre (0.25 + 0.480)/(1 + 0.960) = 0.373, half width
    // 1.96 sqrt(0.25 * 0.75/4 + 0.960/16)/(1.960) = 0.327.
    expect(scores.greedy?.low).toBeCloseTo(4.6, 0);
    expect(scores.greedy?.high).toBeCloseTo(69.9, 0);
    // Four questions at 0, 0, 0.5, 0.5: their resampled mean lies between 0 and 0.5.
    expect(scores.mean?.low).toBeGreaterThanOrEqual(0);
    expect(scores.mean?.low).toBeLessThan(25);
    expect(scores.mean?.high).toBeGreaterThan(25);
    expect(scores.mean?.high).toBeLessThanOrEqual(50);
  });

  test('have an interval where every answer is right, too', () => {
    const perfect = scoreEvaluation([record('sampled', ONE, 'WW', true), record('sampled', TWO, 'TT', true)], 1);
    // Wilson for 2 of 2: lower end 1 - z^2/(n + z^2) = 1 - 3.841/5.841 = 0.342.
    expect(perfect.mean?.value).toBe(100);
    expect(perfect.mean?.low).toBeCloseTo(34.2, 1);
    expect(perfect.mean?.high).toBe(100);
  });

  test('are broken down by the number of steps', () => {
    expect(scores.bySteps).toEqual([
      { steps: 1, questions: 2, greedy: 50, mean: 25, majority: 50 },
      { steps: 3, questions: 1, greedy: 0, mean: 0, majority: 0 },
    ]);
  });

  test('tell how the answers were written', () => {
    expect(scores.greedyStyle).toEqual({ answers: 4, workedShare: 0, accuracyWorked: null, accuracyTerse: 0.25 });
    // Worked: 1 right, 1 wrong. Terse: 1 of 6 right.
    expect(scores.sampledStyle).toEqual({ answers: 8, workedShare: 0.25, accuracyWorked: 0.5, accuracyTerse: 1 / 6 });
  });

  test('depend on the seed in their intervals alone', () => {
    expect(scoreEvaluation(base, 1)).toEqual(scoreEvaluation(base, 1));
    expect(scoreEvaluation(base, 2).mean?.value).toBe(25);
  });

  test('leave out what was not asked for', () => {
    const greedy = scoreEvaluation([record('greedy', ONE, 'T')], 1);
    expect(greedy).toMatchObject({ samples: 0, bySteps: [{ steps: 1, questions: 1, greedy: 100 }] });
    for (const name of ['mean', 'majority', 'worked', 'sampledStyle']) expect(greedy).not.toHaveProperty(name);
    expect(scoreEvaluation([], 1)).toEqual({ questions: 0, samples: 0, bySteps: [] });
  });
});

describe('a comparison', () => {
  const comparison = compareEvaluations(base, trained, 1);

  test('has gains in percentage points', () => {
    expect(comparison.greedy?.figure.value).toBe(50);
    // Sampled: 2 of 8 to 5 of 8.
    expect(comparison.mean?.figure.value).toBe(37.5);
    expect(comparison.majority?.figure.value).toBe(25);
  });

  test('says where a gain came from', () => {
    // Sampled: worked share 2/8 to 7/8, worked accuracy 1/2 to 4/7, terse accuracy 1/6 to 1.
    // Choosing: 5/8 * ((1/2 + 4/7)/2 - (1/6 + 1)/2) = 0.625 * (0.535714 - 0.583333) = -0.0297619.
    // Slips: 0.5625 * (4/7 - 1/2) + 0.4375 * (5/6) = 0.0401786 + 0.3645833 = 0.4047619. Together 0.375.
    expect(comparison.mean?.parts?.choosing).toBeCloseTo(-2.97619, 4);
    expect(comparison.mean?.parts?.slips).toBeCloseTo(40.47619, 4);
    // Greedy: all terse (1/4) to all worked (3/4): the choice alone.
    expect(comparison.greedy?.parts).toEqual({ choosing: 50, slips: 0 });
  });

  test('says how much was within reach', () => {
    // Right by majority after: ONE, TWO, FOUR. The base had ONE and FOUR right at least once.
    expect(comparison.withinReach).toBeCloseTo(2 / 3);
    expect(compareEvaluations(base, [record('greedy', TWO, 'W'), record('greedy', ONE, 'W')], 1).withinReach).toBe(0.5);
    expect(compareEvaluations(base, [record('greedy', ONE, 'w')], 1).withinReach).toBeNull();
  });

  test('with itself is no gain, whatever the resampling', () => {
    const { mean, greedy, majority } = compareEvaluations(base, base, 5);
    for (const gain of [mean, greedy, majority]) expect(gain?.figure).toEqual({ value: 0, low: 0, high: 0 });
    expect(mean?.parts).toEqual({ choosing: 0, slips: 0 });
  });

  test('pairs questions by their text, in any order', () => {
    expect(compareEvaluations(base, trained.toReversed(), 1).mean?.figure.value).toBe(37.5);
    expect(compareEvaluations(base, [record('greedy', 'another question', 'W')], 1)).toEqual({ withinReach: 0 });
  });

  test('has a p-value, of the samples or, where there are none, of the greedy answers', () => {
    // Sampled differences 1/2, 1/2, 0 and 1/2: all three up or all three down, 2 of 8 choices of signs.
    expect(gainPValue(base, trained, 1)).toBe(0.25);
    const greedy = ({ mode }: EvaluationRecord) => mode === 'greedy';
    // TWO and FOUR got right, ONE stays right: 2 of 4 choices.
    expect(gainPValue(base.filter(greedy), trained.filter(greedy), 1)).toBe(0.5);
    expect(gainPValue(base, base, 1)).toBe(1);
    expect(gainPValue(base, [record('greedy', 'another question', 'W')], 1)).toBeNull();
  });
});
