import { runCheck, sumUp } from './checks.mjs';
import { ensure } from './ensure.mjs';
import { allTests } from './testCommand.mjs';

/**
 * `npm run check`: everything that a change must pass; goes on after a failure.
 *
 * @returns {Promise<number>} 1 on any failure
 */
export async function main() {
  await ensure({ extras: ['torch', 'test'] });
  const outcomes = [];
  for (const which of ['types', 'client', 'biome', 'format', 'lint']) outcomes.push(await runCheck(which));
  return sumUp([...outcomes, ...(await allTests())]);
}
