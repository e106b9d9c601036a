import { ensure, OPTIONAL_STAGES, STAGES } from './ensure.mjs';
import { EXIT, SetupProblem } from './problem.mjs';

/**
 * `npm run setup [-- STAGE...]`: install and build what is missing, the usual stages or those named.
 *
 * @param {string[]} args
 * @returns {Promise<number>}
 */
export async function main(args) {
  const known = [...STAGES, ...OPTIONAL_STAGES];
  const unknown = args.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new SetupProblem(EXIT.usage, `there is no stage '${unknown}': choose from ${known.join(', ')}.`);
  }
  const worked = await ensure(args.length > 0 ? { only: args } : {});
  process.stderr.write(worked ? 'setup: ready\n' : 'setup: everything is up to date\n');
  return EXIT.ok;
}
