import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root: this file is dist/cli/places.js when run, ts/cli/places.ts in tests. */
export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The embedded base model, a Hugging Face folder. */
export const EMBEDDED_MODEL = join(ROOT, 'py_worker', 'embedded_base', 'model');

/** Folder to put on PYTHONPATH, so that a user's own environment need not have the worker installed. */
export const WORKER_PACKAGE = join(ROOT, 'py_worker');

/**
 * The Python that runs the worker. For the backend `vllm` it is that of `npm run setup:vllm`, where that was
 * run; else the one in RZERO_PYTHON, or of the environment that the set-up made.
 */
export function pythonPath(env: NodeJS.ProcessEnv, backend: string): string {
  const vllm = pythonIn('.venv-vllm');
  if (backend === 'vllm' && existsSync(vllm)) return vllm;
  return env.RZERO_PYTHON ?? pythonIn('.venv');
}

/** The Python that sends to trackers: that of `npm run setup:trackers`, where that was run; else the worker's. */
export function trackerPython(env: NodeJS.ProcessEnv): string {
  const own = pythonIn('.venv-trackers');
  return existsSync(own) ? own : pythonPath(env, '');
}

/** The Python that has Reasoning Gym: that of `npm run setup:tasks`, where that was run; else the worker's. */
export function tasksPython(env: NodeJS.ProcessEnv): string {
  const own = pythonIn('.venv-tasks');
  return existsSync(own) ? own : pythonPath(env, '');
}

function pythonIn(environment: string): string {
  return join(ROOT, environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
}

/** A configuration's model as the worker is to be given it. Folders become absolute, hub names stay. */
export function modelSource(model: string, workingFolder: string): string {
  if (model === 'embedded') return EMBEDDED_MODEL;
  const folder = resolve(workingFolder, model);
  return existsSync(folder) ? folder : model;
}
