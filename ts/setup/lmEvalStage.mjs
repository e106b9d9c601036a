import { PATHS } from './paths.mjs';
import { createVenvStage } from './venvStage.mjs';

/**
 * The virtual environment .venv-lm-eval with EleutherAI's evaluation harness and what a torch worker needs. Apart from
 * .venv, because no run needs the harness, and it brings dozens of packages along.
 */
export const lmEvalStage = createVenvStage({
  name: 'lm-eval',
  title: 'lm-eval environment',
  hint: 'pip install into .venv-lm-eval, a minute or two the first time',
  folder: PATHS.lmEvalVenv,
  pip: [['install', '-e', './py_worker[lm-eval]', '-c', 'py_worker/constraints-lm-eval.txt']],
  modules: ['lm_eval', 'msgspec', 'torch', 'transformers', 'zmq'],
  constraints: PATHS.constraintsLmEval,
});
