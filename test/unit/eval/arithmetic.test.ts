import { describe, expect, test } from '@jest/globals';
import {
  describe as describeQuestion,
  EXAM_STEPS,
  evaluateQuestion,
  heldOutQuestions,
  isHeldOut,
} from '../../../ts/eval/arithmetic.ts';

// Made by the base model's own text generator (py_worker/embedded_base/text.py, Random(5)): question, answer, held out.
const FROM_PYTHON: [string, string, boolean][] = [
  ['Keep only the last two digits. Start with 69. (1) Multiply by 2.', '38', false],
  ['Keep only the last two digits. Start with 58. (1) Add 6. (2) Add 8. (3) Add 4.', '76', false],
  [
    'Keep only the last two digits. Start with 59. (1) Subtract 1. (2) Add 4. (3) Add 4. (4) Add 3. (5) Multiply by 4. (6) Multiply by 6. (7) Add 6. (8) Multiply by 5. (9) Add 9. (10) Subtract 4. (11) Add 3. (12) Add 4.',
    '22',
    false,
  ],
  ['Keep only the last two digits. Start with 56. (1) Add 5.', '61', true],
  ['Keep only the last two digits. Start with 98. (1) Multiply by 8. (2) Subtract 6. (3) Subtract 3.', '75', true],
  [
    'Keep only the last two digits. Start with 77. (1) Subtract 2. (2) Subtract 6. (3) Subtract 9. (4) Multiply by 6. (5) Add 7. (6) Subtract 7. (7) Add 5. (8) Subtract 3. (9) Subtract 2. (10) Add 8. (11) Add 1. (12) Subtract 4.',
    '65',
    true,
  ],
];

describe('the truth of a question', () => {
  test.each(FROM_PYTHON)('%s', (question, answer, heldOut) => {
    expect(evaluateQuestion(question)).toBe(answer);
    expect(isHeldOut(question)).toBe(heldOut);
  });

  test('has two digits', () => {
    // 98 + 9 = 107, keep 07.
    expect(evaluateQuestion('Keep only the last two digits. Start with 98. (1) Add 9.')).toBe('07');
  });

  test('of what is no problem is null', () => {
    expect(evaluateQuestion('What is the meaning of life?')).toBeNull();
    expect(describeQuestion('What is the meaning of life?')).toBeNull();
  });

  test('comes with a description', () => {
    const question =
      'Keep only the last two digits. Start with 98. (1) Multiply by 8. (2) Subtract 6. (3) Multiply by 3.';
    expect(describeQuestion(question)).toEqual({ steps: 3, additions: 0, subtractions: 1, multiplications: 2 });
  });
});

describe('held-out questions', () => {
  const questions = heldOutQuestions(640, 7);

  test('are distinct, held out and well posed', () => {
    expect(new Set(questions).size).toBe(640);
    expect(questions.every(isHeldOut)).toBe(true);
    expect(questions.every((question) => evaluateQuestion(question) !== null)).toBe(true);
  });

  test('are as many of each length, in every prefix', () => {
    const lengths = questions.map((question) => describeQuestion(question)?.steps);
    expect(lengths).toEqual(questions.map((_, index) => 1 + (index % EXAM_STEPS)));
  });

  test('have every operator about as often', () => {
    const all = questions.map(describeQuestion);
    const steps = all.reduce((sum, one) => sum + (one?.steps ?? 0), 0);
    // 3520 steps at 1/3 each: standard deviation sqrt(2/9/3520) = 0.008, so 0.04 is five of them.
    for (const operator of ['additions', 'subtractions', 'multiplications'] as const) {
      const share = all.reduce((sum, one) => sum + (one?.[operator] ?? 0), 0) / steps;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(0.04);
    }
  });

  test('depend on the seed alone', () => {
    expect(heldOutQuestions(50, 7)).toEqual(questions.slice(0, 50));
    expect(heldOutQuestions(50, 8)).not.toEqual(questions.slice(0, 50));
  });

  test('can be a thousand, and no more', () => {
    expect(new Set(heldOutQuestions(1000, 3)).size).toBe(1000);
    for (const count of [0, -1, 2.5, 1001, Number.NaN]) {
      expect(() => heldOutQuestions(count, 3)).toThrow(
        expect.objectContaining({
          code: 'invalid_argument',
          message: `held-out problems: ${count} is not a whole number from 1 to 1000`,
        }),
      );
    }
  });
});
