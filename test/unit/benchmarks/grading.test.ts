import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Item } from '../../../ts/benchmarks/benchmark.ts';
import { EXTRACTIONS, markOf } from '../../../ts/benchmarks/grading.ts';
import { cpuSeconds } from '../domain/cpuSeconds.ts';

const item = (answer: string, choices?: string[]): Item => ({
  id: '1',
  question: '?',
  answer,
  ...(choices ? { choices } : {}),
});

describe('boxed', () => {
  test.each([
    ['$\\frac{1}{2}$', '\\boxed{0.5}', true],
    ['27', 'It is 27.', false],
    ['27', '\\boxed{27}. Or \\boxed{28}', false],
  ])('%s and %s: %p', (gold, response, correct) => {
    expect(markOf('boxed', item(gold), response)).toMatchObject({ correct, undecided: false });
  });

  test('what the grader cannot decide is wrong, and said to be undecided', () => {
    const mark = markOf('boxed', item('\\int_0^1 f(x) dx'), '\\boxed{\\int_0^1 g(x) dx}');
    expect(mark).toEqual({ answer: '\\int_0^1 g(x) dx', correct: false, undecided: true });
  });
});

test('choice: the letter, and none where it makes no choice', () => {
  const asked = item('B', ['one', 'two']);
  expect(markOf('choice', asked, '\\boxed{two}')).toEqual({ answer: 'B', correct: true, undecided: false });
  expect(markOf('choice', asked, 'The answer is (A).')).toEqual({ answer: 'A', correct: false, undecided: false });
  expect(markOf('choice', asked, 'Hard to say.')).toEqual({ answer: null, correct: false, undecided: false });
});

test('exact: the last box, else what it says', () => {
  expect(markOf('exact', item('(A)'), '\\boxed{a}').correct).toBe(true);
  expect(markOf('exact', item('yes'), 'The answer is yes.')).toMatchObject({ answer: 'yes', correct: true });
  expect(markOf('exact', item('yes'), 'yes')).toEqual({ answer: null, correct: false, undecided: false });
});

test.each(['answer is ', '\\boxed{', '\\boxed{. ', '.', ' ', 'answer: A ', '\\text{', '(', ' ,', '$', '**', 'B. '])(
  'a long response of %j takes no time',
  (part) => {
    const text = part.repeat(Math.ceil(150_000 / part.length));
    for (const response of [text, `\\boxed{${text}x}`, `the answer is ${text}x`]) {
      for (const how of EXTRACTIONS) {
        expect(cpuSeconds(() => markOf(how, item('B', ['one', text]), response))).toBeLessThan(1);
      }
    }
  },
);

test('any response has a mark: right only with an answer, and not undecided', () => {
  const part = fc.oneof(fc.constantFrom('\\boxed{', '}', 'answer is ', 'B', '1', ','), fc.string());
  fc.assert(
    fc.property(fc.array(part), fc.constantFrom(...EXTRACTIONS), fc.constantFrom('B', '1'), (parts, how, gold) => {
      const mark = markOf(how, item(gold, ['one', 'two']), parts.join(''));
      if (mark.correct) expect(mark.answer).not.toBeNull();
      expect(mark.correct && mark.undecided).toBe(false);
    }),
  );
});
