import { runCheck, runJest, runPytest, sumUp } from './checks.mjs';
import { ensure } from './ensure.mjs';

/**
 * `npm test`: the set-up, then all tests; `npm test -- PATTERN` gives its arguments to jest and runs jest alone.
 *
 * @param {string[]} args
 * @returns {Promise<number>} 1 on any failure
 */
export async function main(args) {
  await ensure({ extras: ['torch', 'test'] });
  return sumUp(args.length > 0 ? [await runJest(args)] : await allTests());
}

/** @returns {Promise<import('./checks.mjs').Outcome[]>} */
export async function allTests() {
  return [await runCheck('generated'), await runJest([]), await runPytest()];
}
