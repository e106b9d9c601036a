import { expect, test } from '@jest/globals';
import type { Item } from '../../../ts/benchmarks/benchmark.ts';
import { conversationFor } from '../../../ts/benchmarks/prompts.ts';
import { SOLVER_SYSTEM, solverConversation } from '../../../ts/domain/prompts.ts';

const ITEM: Item = {
  id: '1',
  question: 'What is {choices} in $& braces?',
  answer: 'B',
  choices: ['a {question}', 'b'],
};

test('solver: what the Solver is trained with, and nothing else', () => {
  expect(conversationFor('solver', ITEM)).toEqual(solverConversation(ITEM.question));
});

test('choice: the same instruction, then question, lettered choices, and the wish for a letter', () => {
  expect(conversationFor('choice', ITEM).messages).toEqual([
    { role: 'system', content: SOLVER_SYSTEM },
    {
      role: 'user',
      content: `${ITEM.question}\n\nA. a {question}\nB. b\n\nPut the letter of the right choice in \\boxed{}.`,
    },
  ]);
});

test("texts of one's own, of which the system's may be absent", () => {
  expect(conversationFor({ user: 'Q: {question}\n{choices}' }, ITEM).messages).toEqual([
    { role: 'user', content: `Q: ${ITEM.question}\nA. a {question}\nB. b` },
  ]);
  expect(conversationFor({ system: 'Be {question}.', user: '{question}' }, ITEM).messages[0]).toEqual({
    role: 'system',
    content: 'Be {question}.',
  });
});
