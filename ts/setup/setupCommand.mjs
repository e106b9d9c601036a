import { ensure, STAGES } from './ensure.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

/**
 * `npm run setup [-- STAGE...]`: install and build what is missing, all stages or those named.
 *
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export async function main(args) {
  const unknown = args.find((name) => !STAGES.includes(name));
  if (unknown !== undefined) {
    throw new SetupProblem(EXIT.usage, `there is no stage '${unknown}': choose from ${STAGES.join(', ')}.`);
  }
  const worked = await ensure(args.length > 0 ? { only: args } : {});
  process.stderr.write(worked ? 'setup: ready\n' : 'setup: everything is up to date\n');
  return EXIT.ok;
}
