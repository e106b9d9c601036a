import { ensure } from './ensure.mjs';
import { runProgram } from './program.mjs';

/**
 * The `rzero` command: the set-up where something changed, then the command line program.
 *
 * @param {string[]} args
 */
export async function main(args) {
  await ensure();
  await runProgram('cli/main.js', args);
}
