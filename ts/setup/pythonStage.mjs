import { PATHS } from './paths.mjs';
import { createVenvStage } from './venvStage.mjs';

/** The virtual environment .venv with the worker's packages; see ownPython.mjs for RZERO_PYTHON. */
export const pythonStage = createVenvStage({
  name: 'python',
  title: 'Python environment',
  hint: 'pip install into .venv, minutes the first time',
  folder: PATHS.venv,
  pip: [['install', '-e', './py_worker[torch,test]', '-c', 'py_worker/constraints.txt']],
  modules: ['msgspec', 'pytest', 'torch', 'transformers', 'zmq'],
});
