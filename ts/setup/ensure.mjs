import { delimiter, join } from 'node:path';
import { buildStage } from './buildStage.mjs';
import { chromiumStage } from './chromiumStage.mjs';
import { lmEvalStage } from './lmEvalStage.mjs';
import { withLock } from './lock.mjs';
import { npmStage } from './npmStage.mjs';
import { ownPython, ownPythonStage } from './ownPython.mjs';
import { PATHS } from './paths.mjs';
import { createProgress } from './progress.mjs';
import { pythonStage } from './pythonStage.mjs';
import { interruptible } from './run.mjs';
import { tasksStage } from './tasksStage.mjs';
import { trackersStage } from './trackersStage.mjs';
import { vllmStage } from './vllmStage.mjs';

/** The stages by name, in order: the build needs what npm installs. */
export const STAGES = ['npm', 'python', 'build'];
/** Those that are done only when they are named. */
export const OPTIONAL_STAGES = ['vllm', 'trackers', 'tasks', 'lm-eval', 'browser'];

/**
 * Bring up to date what is missing or has changed; returns at once when nothing has.
 *
 * @param {object} [options]
 * @param {readonly string[]} [options.only] these stages alone
 * @param {readonly string[]} [options.extras] groups of packages an environment of the user's own must have
 * @param {NodeJS.ProcessEnv} [options.env]
 * @returns {Promise<boolean>} whether there was anything to do
 * @throws SetupProblem with one sentence, Interrupted after Ctrl-C
 */
export async function ensure({ only = STAGES, extras = ['torch'], env = process.env } = {}) {
  const python = env.RZERO_PYTHON ? ownPythonStage(env, extras) : pythonStage;
  const all = [npmStage, python, buildStage, vllmStage, trackersStage, tasksStage, lmEvalStage, chromiumStage];
  const stages = all.filter(({ name }) => only.includes(name));
  const pending = stages.filter((stage) => !stage.isCurrent());
  if (pending.length === 0) return false;
  // What a person must do first is said before the minutes of an installation, not after.
  for (const stage of pending) stage.prepare(env);

  const progress = createProgress(process.stderr);
  await interruptible((signal) => {
    const onWait = (pid) => progress.say(`waiting for another set-up of this folder (process ${pid ?? 'unknown'})`);
    return withLock(join(PATHS.state, 'lock'), { signal, onWait }, async (note) => {
      for (const [index, stage] of stages.entries()) {
        // Asked again: whoever held the lock may have done it.
        if (stage.isCurrent()) continue;
        const line = progress.begin(`${index + 1}/${stages.length} ${stage.title}`, stage.hint);
        try {
          await stage.run({ env, signal, note, onLine: line.latest, say: progress.say });
        } catch (error) {
          line.failed();
          throw error;
        }
        line.done();
      }
    });
  });
  return true;
}

/**
 * The environment's Python.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string} an absolute path
 */
export function environmentPython(env = process.env) {
  return env.RZERO_PYTHON ? ownPython(env) : PATHS.venvPython;
}

/**
 * What programs of the project find in their environment variables: RZERO_PYTHON, and a PYTHONPATH that
 * reaches the worker even where it is not installed.
 *
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {NodeJS.ProcessEnv}
 */
export function projectEnvironment(env = process.env) {
  return {
    ...env,
    RZERO_PYTHON: environmentPython(env),
    PYTHONPATH: [PATHS.worker, env.PYTHONPATH].filter(Boolean).join(delimiter),
  };
}
