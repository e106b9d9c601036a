import { expect, test } from '@jest/globals';
import { parseProbe } from '../../../ts/eval/probe.ts';

const FILE = '{"question": "1 + 1?", "answer": "2", "id": 7}\r\n\n{"question": "A half?", "answer": "1/2"}\n';

test('the majority of a question is marked as any answer is', () => {
  const probe = parseProbe(FILE);
  expect(probe.questions).toEqual(['1 + 1?', 'A half?']);
  const boxed = (...answers: string[]) => answers.map((answer) => `\\boxed{${answer}}`);
  expect(probe.accuracy([boxed('2', '3', '2'), boxed('0.5', '1', '1')])).toBe(0.5);
  expect(probe.accuracy([boxed('3'), boxed('0.5')])).toBe(0.5);
  expect(probe.accuracy([['2', 'no box'], []])).toBe(0);
});

test.each([
  ['', 'it has 0 questions, allowed are 1 to 10000'],
  ['{"question": "q"}', 'line 1: "answer" is missing: it must be a text'],
  ['\n{"question": 3, "answer": "2"}', 'line 2: "question" is 3: it must be a text'],
  ['{"question": " ", "answer": "2"}', 'line 1: "question" is " ": it must be a text'],
  ['null', 'line 1: "question" is missing: it must be a text'],
  ['{', 'line 1 is not JSON: '],
])('%j is none', (text, message) => {
  expect(() => parseProbe(text)).toThrow(message);
});
