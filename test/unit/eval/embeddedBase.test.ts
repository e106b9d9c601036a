import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { CHALLENGER_SYSTEM, CHALLENGER_USER, SOLVER_SYSTEM } from '../../../ts/domain/prompts.ts';
import { createArithmeticExam } from '../../../ts/eval/exam.ts';

const tokenizer = JSON.parse(
  readFileSync(new URL('../../../py_worker/embedded_base/model/tokenizer.json', import.meta.url), 'utf8'),
);
const vocabulary: Record<string, number> = tokenizer.model.vocab;

test.each([CHALLENGER_SYSTEM, CHALLENGER_USER, SOLVER_SYSTEM])(
  'the embedded base knows the prompt as one token: %s',
  (prompt) => {
    expect(vocabulary).toHaveProperty([prompt]);
  },
);

test("the exam's worked prefix is a token of the embedded base", () => {
  expect(vocabulary).toHaveProperty([createArithmeticExam(1).workedPrefix ?? '']);
});
