import { existsSync } from 'node:fs';
import { runPytest, sumUp } from './checks.mjs';
import { PATHS } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

/**
 * `npm run test:tasks`: items and scores of Reasoning Gym's own tasks; in the environment of `npm run setup:tasks`.
 *
 * @returns {Promise<number>} 1 on any failure
 */
export async function main() {
  if (!existsSync(PATHS.tasksPython)) {
    throw new SetupProblem(EXIT.unavailable, 'there is no .venv-tasks: run `npm run setup:tasks`.');
  }
  return sumUp([await runPytest(PATHS.tasksPython, ['py_worker/tests/test_tasks_real.py'])]);
}
