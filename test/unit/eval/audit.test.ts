import { describe, expect, test } from '@jest/globals';
import { auditQuestions } from '../../../ts/eval/audit.ts';
import type { QuestionRecord } from '../../../ts/eval/records.ts';

const OPENING = 'Keep only the last two digits. Start with ';
/** 56 + 5 = 61; held out. */
const HELD_OUT = `${OPENING}56. (1) Add 5.`;
/** 69 * 2 = 138, keep 38. */
const EASY = `${OPENING}69. (1) Multiply by 2.`;
/** 58 + 6 + 8 + 4 = 76. */
const LONG = `${OPENING}58. (1) Add 6. (2) Add 8. (3) Add 4.`;
const ILL_POSED = `${OPENING}58. (2) Add 6.`;

const records: QuestionRecord[] = [
  { question: HELD_OUT, label: '61', agreement: 0.5, fate: 'kept' },
  { question: LONG, label: '66', agreement: 0.4, fate: 'kept' },
  { question: ILL_POSED, label: '64', agreement: 0.6, fate: 'kept' },
  { question: EASY, label: '38', agreement: 1, fate: 'too_easy' },
  { question: EASY, label: '38', agreement: 0.9, fate: 'too_easy' },
  { question: LONG, label: null, agreement: 0, fate: 'no_label' },
  { fate: 'malformed' },
];

describe('an audit', () => {
  const { asked, kept } = auditQuestions(records, [HELD_OUT]);

  test('counts what could be read, and what was kept', () => {
    expect([asked.count, kept.count]).toEqual([6, 3]);
  });

  test('of the questions asked', () => {
    // Well posed: all but one of 6. Steps of those: 1 + 3 + 1 + 1 + 3 = 9, 2 of them multiplications.
    expect(asked.wellPosed).toBeCloseTo(5 / 6);
    expect(asked.meanSteps).toBeCloseTo(9 / 5);
    expect(asked.multiplications).toBeCloseTo(2 / 9);
    // Distinct texts: HELD_OUT, LONG, ILL_POSED, EASY.
    expect(asked.distinct).toBeCloseTo(4 / 6);
    expect(asked.inExam).toBeCloseTo(1 / 6);
    expect(asked.heldOut).toBeGreaterThanOrEqual(1 / 6);
    // Right: HELD_OUT and EASY twice. A question without a label is not right.
    expect(asked.labelAccuracy).toBeCloseTo(3 / 6);
  });

  test('of those kept', () => {
    // One of three labels is true; the ill-posed question has no true one.
    expect(kept.wellPosed).toBeCloseTo(2 / 3);
    expect(kept.labelAccuracy).toBeCloseTo(1 / 3);
    expect(kept.labelAccuracyWellPosed).toBeCloseTo(1 / 2);
    expect(kept.inExam).toBeCloseTo(1 / 3);
    expect(kept).not.toHaveProperty('trainedLabelAccuracy');
  });

  test('tells shuffled labels from voted ones', () => {
    const shuffled = auditQuestions([
      { question: HELD_OUT, label: '61', trainedLabel: '76', fate: 'kept' },
      { question: LONG, label: '76', trainedLabel: '61', fate: 'kept' },
    ]);
    expect(shuffled.kept).toMatchObject({ labelAccuracy: 1, trainedLabelAccuracy: 0 });
    const untouched = auditQuestions([{ question: HELD_OUT, label: '61', trainedLabel: '61', fate: 'kept' }]);
    expect(untouched.kept).not.toHaveProperty('trainedLabelAccuracy');
  });

  test('of nothing has no figures', () => {
    const { kept } = auditQuestions([{ fate: 'malformed' }]);
    expect(kept).toEqual({
      count: 0,
      wellPosed: null,
      meanSteps: null,
      multiplications: null,
      distinct: null,
      heldOut: null,
      inExam: null,
      labelAccuracy: null,
      labelAccuracyWellPosed: null,
    });
  });
});
