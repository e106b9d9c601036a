import { PATHS } from './paths.mjs';
import { createVenvStage } from './venvStage.mjs';

/**
 * The virtual environment .venv-trackers with the clients of W&B, MLflow and Trackio. Apart from .venv, because most runs
 * need none of them, and what they bring wants versions of its own.
 */
export const trackersStage = createVenvStage({
  name: 'trackers',
  title: 'trackers environment',
  hint: 'pip install into .venv-trackers',
  folder: PATHS.trackersVenv,
  // The worker's own needs come along, from the same package.
  pip: [['install', '-e', './py_worker[trackers]', '-c', 'py_worker/constraints-trackers.txt']],
  modules: ['mlflow', 'pytest', 'trackio', 'wandb'],
  constraints: PATHS.constraintsTrackers,
});
