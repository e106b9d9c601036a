import { ensure, environmentPython, projectEnvironment } from './ensure.mjs';
import { passThrough } from './run.mjs';

/**
 * `node ts/setup/python.mjs ARGS`: the environment's Python, made first where it is missing.
 *
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export async function main(args) {
  await ensure({ only: ['python'], extras: ['torch', 'test'] });
  return passThrough(environmentPython(), args, { env: projectEnvironment() });
}
