import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectEnvironment } from './ensure.mjs';
import { PATHS } from './paths.mjs';

/**
 * Run a compiled program as `node dist/FILE ARGS` would, but in this process: one process for signals
 * and exit codes, and none to wait for.
 *
 * @param {string} file below dist
 * @param {string[]} args
 */
export async function runProgram(file, args) {
  const path = join(PATHS.dist, file);
  process.argv = [process.execPath, path, ...args];
  process.env.RZERO_PYTHON = projectEnvironment().RZERO_PYTHON;
  process.setSourceMapsEnabled(true);
  await import(pathToFileURL(path).href);
}
