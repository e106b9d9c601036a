import { runJest, sumUp } from './checks.mjs';
import { ensure } from './ensure.mjs';
import { findChromium } from './findChromium.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

/** Milliseconds a test may take: a browser on a busy machine. */
const TIMEOUT = 90_000;

/**
 * `npm run test:browser`: the report's page in Chromium, see `npm run setup:browser`.
 *
 * @param {string[]} args more of jest's own
 * @returns {Promise<number>} 1 on any failure
 */
export async function main(args) {
  const chromium = findChromium(process.env);
  if (chromium === undefined) {
    throw new SetupProblem(EXIT.unavailable, 'Chromium was not found: run `npm run setup:browser`.');
  }
  await ensure({ only: ['npm'] });
  const flags = ['--testMatch', '<rootDir>/test/browser/*.browser.ts', '--testTimeout', String(TIMEOUT), '--runInBand'];
  return sumUp([await runJest([...flags, ...args], { RZERO_CHROMIUM: chromium })]);
}
