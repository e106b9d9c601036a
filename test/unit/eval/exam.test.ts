import { describe, expect, test } from '@jest/globals';
import { evaluateQuestion, isHeldOut } from '../../../ts/eval/arithmetic.ts';
import { createArithmeticExam } from '../../../ts/eval/exam.ts';

const exam = createArithmeticExam(10);
const truths = exam.questions.map((question) => evaluateQuestion(question) ?? '');
const wrong = truths.map((truth) => String((Number(truth) + 1) % 100));
const others = exam.questions.slice(1).map(() => [] as string[]);

describe('the arithmetic exam', () => {
  test('asks held-out questions, the same for everybody', () => {
    expect(exam.questions).toHaveLength(10);
    expect(exam.questions.every(isHeldOut)).toBe(true);
    expect(createArithmeticExam(10).questions).toEqual(exam.questions);
    expect(createArithmeticExam(10, 1).questions).not.toEqual(exam.questions);
  });

  test('marks each response by its last box', () => {
    const responses = [
      `\\boxed{${truths[0]}}`,
      `Step by step: 12. (1) 34. \\boxed{${truths[0]}}`,
      `\\boxed{${wrong[0]}}`,
      `\\boxed{${truths[0]}} or \\boxed{${wrong[0]}}`,
      `${truths[0]}`,
      '',
    ];
    expect(exam.grade([responses, ...others])[0]).toEqual([true, true, false, false, false, false]);
  });

  test('knows the share of right labels of questions that are not its own', () => {
    const question = 'Keep only the last two digits. Start with 40. (1) Add two.';
    const known = exam.questions[0] as string;
    const truth = evaluateQuestion(known) as string;
    expect(evaluateQuestion(question)).toBeNull();
    const label = (text: string, given: string) => ({ question: text, label: given });
    const of = exam.labelAccuracy?.bind(exam);
    expect(of?.([label(known, truth)])).toBe(1);
    // What is no problem of the domain has no right label.
    expect(of?.([label(known, truth), label(known, wrong[0] as string), label(question, '42'), label('', '')])).toBe(
      0.25,
    );
  });

  test('takes a two-digit answer without its leading zero', () => {
    const index = createArithmeticExam(300).questions.findIndex((question) =>
      evaluateQuestion(question)?.startsWith('0'),
    );
    const large = createArithmeticExam(300);
    const truth = evaluateQuestion(large.questions[index] ?? '') ?? '';
    const responses = large.questions.map((_, other) => (other === index ? [`\\boxed{${Number(truth)}}`] : []));
    expect(truth).toMatch(/^0\d$/);
    expect(large.grade(responses)[index]).toEqual([true]);
  });

  test('marks the majority of the boxed answers', () => {
    const right = `\\boxed{${truths[0]}}`;
    const mistaken = `\\boxed{${wrong[0]}}`;
    const verdict = (...responses: string[]) => exam.gradeMajority([responses, ...others])[0];
    expect(verdict(right, right, mistaken)).toBe(true);
    expect(verdict(right, mistaken, mistaken)).toBe(false);
    // Responses without a box have no vote.
    expect(verdict(right, 'no idea', 'no idea')).toBe(true);
    expect(verdict('no idea')).toBe(false);
    expect(verdict()).toBe(false);
  });

  test('gives a worked answer its beginning', () => {
    expect(exam.workedPrefix).toBe('Step by step: ');
  });

  test('wants responses to every question', () => {
    const message = 'exam: responses to 3 questions, allowed are 10';
    expect(() => exam.grade([[], [], []])).toThrow(message);
    expect(() => exam.gradeMajority([[], [], []])).toThrow(message);
  });
});
