import { PATHS } from './paths.mjs';
import { createVenvStage } from './venvStage.mjs';

/**
 * The virtual environment .venv-tasks with Reasoning Gym. Apart from .venv, because few need it, and one of its packages
 * (pycosat) has no wheels: it takes a C compiler.
 */
export const tasksStage = createVenvStage({
  name: 'tasks',
  title: 'tasks environment',
  hint: 'pip install into .venv-tasks',
  folder: PATHS.tasksVenv,
  // The worker's own needs come along, from the same package.
  pip: [['install', '-e', './py_worker[tasks]', '-c', 'py_worker/constraints-tasks.txt']],
  modules: ['pytest', 'reasoning_gym'],
  constraints: PATHS.constraintsTasks,
});
