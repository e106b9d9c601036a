import { existsSync } from 'node:fs';
import { runPytest, sumUp } from './checks.mjs';
import { PATHS } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

/**
 * `npm run test:trackers`: what is sent to W&B, MLflow and Trackio, by their own clients, offline; in the environment of
 * `npm run setup:trackers`.
 *
 * @returns {Promise<number>} 1 on any failure
 */
export async function main() {
  if (!existsSync(PATHS.trackersPython)) {
    throw new SetupProblem(EXIT.unavailable, 'there is no .venv-trackers: run `npm run setup:trackers`.');
  }
  return sumUp([await runPytest(PATHS.trackersPython, ['py_worker/tests/test_track_clients.py'])]);
}
