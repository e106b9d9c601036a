import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository: two folders up, wherever it was cloned. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** @param {...string} parts */
const at = (...parts) => join(ROOT, ...parts);

export const PATHS = {
  packageJson: at('package.json'),
  packageLock: at('package-lock.json'),
  nodeModules: at('node_modules'),
  pyproject: at('py_worker', 'pyproject.toml'),
  constraints: at('py_worker', 'constraints.txt'),
  worker: at('py_worker'),
  venv: at('.venv'),
  venvPython: at('.venv', 'bin', 'python'),
  constraintsTrackers: at('py_worker', 'constraints-trackers.txt'),
  trackersVenv: at('.venv-trackers'),
  trackersPython: at('.venv-trackers', 'bin', 'python'),
  constraintsLmEval: at('py_worker', 'constraints-lm-eval.txt'),
  lmEvalVenv: at('.venv-lm-eval'),
  lmEvalPython: at('.venv-lm-eval', 'bin', 'python'),
  constraintsTasks: at('py_worker', 'constraints-tasks.txt'),
  tasksVenv: at('.venv-tasks'),
  tasksPython: at('.venv-tasks', 'bin', 'python'),
  vllmVenv: at('.venv-vllm'),
  vllmPython: at('.venv-vllm', 'bin', 'python'),
  sources: at('ts'),
  dist: at('dist'),
  main: at('dist', 'cli', 'main.js'),
  /** Logs, the lock, the results of test runs. */
  state: at('.setup'),
};
