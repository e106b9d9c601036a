import { existsSync } from 'node:fs';
import { runJest, sumUp } from './checks.mjs';
import { ensure } from './ensure.mjs';
import { PATHS } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

/**
 * `npm run test:lm-eval`: a Solver scored by EleutherAI's evaluation harness and by `rzero eval`, item by item, both in the
 * environment of `npm run setup:lm-eval`, so that they compute with the same packages.
 *
 * @param {string[]} args more of jest's own
 * @returns {Promise<number>} 1 on any failure
 */
export async function main(args) {
  if (!existsSync(PATHS.lmEvalPython)) {
    throw new SetupProblem(EXIT.unavailable, 'there is no .venv-lm-eval: run `npm run setup:lm-eval`.');
  }
  await ensure({ only: ['npm'] });
  const flags = ['--testMatch', '<rootDir>/test/e2e/lmEval.ts', ...args];
  return sumUp([await runJest(flags, { RZERO_TEST_PYTHON: PATHS.lmEvalPython })]);
}
