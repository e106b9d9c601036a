import { existsSync } from 'node:fs';
import { runJest, runPytest, sumUp } from './checks.mjs';
import { ensure } from './ensure.mjs';
import { ownPython } from './ownPython.mjs';
import { PATHS } from './paths.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

const PYTHON_FILES = ['backend', 'engine', 'group'].map((what) => `py_worker/tests/test_vllm_${what}.py`);
const FILES = ['<rootDir>/test/contract/vllm.contract.ts', '<rootDir>/test/e2e/vllmRun.ts'];
/** Milliseconds a test may take: the first one that loads a model waits for what vLLM caches. */
const TIMEOUT = 120_000;

/**
 * `npm run test:vllm`: the tests of the vllm backend with vLLM, the contract against it, and a small run with it, in
 * the environment of `npm run setup:vllm` or the one in RZERO_PYTHON.
 *
 * @param {string[]} args more of jest's own
 * @returns {Promise<number>} 1 on any failure
 */
export async function main(args) {
  const own = process.env.RZERO_PYTHON && ownPython(process.env);
  const python = existsSync(PATHS.vllmPython) ? PATHS.vllmPython : own;
  if (!python) {
    throw new SetupProblem(
      EXIT.unavailable,
      'there is no .venv-vllm: run `npm run setup:vllm`, or name a Python that has vLLM in RZERO_PYTHON.',
    );
  }
  await ensure({ only: ['npm'] });
  const flags = [...FILES.flatMap((file) => ['--testMatch', file]), '--testTimeout', String(TIMEOUT), '--runInBand'];
  return sumUp([
    await runPytest(python, PYTHON_FILES),
    await runJest([...flags, ...args], { RZERO_TEST_PYTHON: python }),
  ]);
}
