import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { chosenLetter } from '../../../ts/benchmarks/choice.ts';
import { LETTERS } from '../../../ts/benchmarks/letters.ts';

const CHOICES = ['Paris', 'Rome', '1/2', '$x+1$', 'e'];
const chosen = (response: string) => chosenLetter(response, CHOICES);

describe('the last box', () => {
  test.each([
    ['\\boxed{B}', 'B'],
    ['\\boxed{A}. No: \\boxed{\\text{(b)}}', 'B'],
    ['\\boxed{\\mathbf{C}.}', 'C'],
    ['$\\boxed{\\textbf{(C) } \\frac12}$', 'C'],
    ['\\boxed{Option D}', 'D'],
    ['\\boxed{B. Rome}', 'B'],
    ['\\boxed{rome.}', 'B'],
    ['\\boxed{0.5}', 'C'],
    ['\\boxed{1 + x}', 'D'],
    ['\\boxed{e}', 'E'],
    ['The answer is A. \\boxed{B}', 'B'],
  ])('%s', (response, letter) => expect(chosen(response)).toBe(letter));

  test.each([
    ['a letter of no choice', '\\boxed{F}'],
    ['two letters', '\\boxed{A, B}'],
    ['two boxes in a sentence', '\\boxed{A} or \\boxed{B}'],
    ["a letter with another's text", '\\boxed{B. Paris}'],
    ['a text of no choice', 'The answer is A. \\boxed{Oslo}'],
    ['a box that never closes', 'The answer is A. \\boxed{B'],
  ])('%s is none', (_, response) => expect(chosen(response)).toBeNull());

  test('a text of two choices is none, and a capital is a letter before it is a text', () => {
    expect(chosenLetter('\\boxed{yes}', ['yes', 'Yes', 'no'])).toBeNull();
    expect(chosenLetter('\\boxed{C}', ['N', 'C', 'O'])).toBe('C');
    expect(chosenLetter('\\boxed{c}', ['a', 'c', 'b'])).toBe('B');
  });
});

describe('without a box, what it last says', () => {
  test.each([
    ['The answer is (C).', 'C'],
    ['The answer is B because it is.', 'B'],
    ['The answer is (A). Wait. The answer is (B)', 'B'],
    ['**Final Answer:** D', 'D'],
    ['The correct answer is: B) Rome', 'B'],
    ['the answer is A', 'A'],
  ])('%s', (response, letter) => expect(chosen(response)).toBe(letter));

  test.each([
    'I think C',
    'The answer is a city',
    'The answer is A city',
    'The answer is not B.',
    'The answer is Berlin',
    'The answer is (F).',
    '(B)',
    '',
  ])('%s is none', (response) => expect(chosen(response)).toBeNull());
});

test('any text gives a letter of the choices or none', () => {
  const part = fc.oneof(
    fc.constantFrom('\\boxed{', '}', 'answer is ', '(', ')', 'A', 'B', 'Z', 'Rome', '$', '\\text{', ' ', '.'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), fc.integer({ min: 2, max: 26 }), (parts, count) => {
      const letter = chosenLetter(
        parts.join(''),
        LETTERS.slice(0, count).map((each) => `choice ${each}`),
      );
      expect([null, ...LETTERS.slice(0, count)]).toContain(letter);
    }),
  );
});

test('a letter in the last box is found behind any text, and so is the text of one choice', () => {
  const words = fc.array(fc.constantFrom('red', 'blue', 'deep', 'sea', 'sky', 'tree'), { minLength: 2, maxLength: 4 });
  const choices = fc.uniqueArray(
    words.map((each) => each.join(' ')),
    { minLength: 2, maxLength: 10 },
  );
  fc.assert(
    fc.property(choices, fc.nat(), fc.string(), (texts, at, before) => {
      const index = at % texts.length;
      for (const content of [LETTERS[index], `(${LETTERS[index]})`, texts[index]]) {
        expect(chosenLetter(`${before}\n\nSo: \\boxed{${content}}`, texts)).toBe(LETTERS[index]);
      }
    }),
  );
});
