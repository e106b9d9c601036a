import { EXIT, SetupProblem } from './problem.mjs';
import { runLogged } from './run.mjs';

/** Lines of a failed program's output that are shown. */
const SHOWN = 20;

/**
 * Run one program of a stage; its failure becomes a sentence.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {object} options those of runLogged, and:
 * @param {string} options.name what to call it: 'npm ci'
 * @param {(output: string) => {exitCode: number, sentence: string} | undefined} options.diagnose
 * @throws SetupProblem with the end of the program's output
 */
export async function runTool(program, args, { name, diagnose, ...options }) {
  const { code, output } = await runLogged(program, args, options);
  if (code === 0) return output;
  const found = diagnose(output) ?? {
    exitCode: EXIT.bug,
    sentence: `${name} failed with exit code ${code}: its whole output is in ${options.log}.`,
  };
  const tail = output.trimEnd().split('\n').slice(-SHOWN).join('\n  ');
  throw new SetupProblem(found.exitCode, found.sentence, tail && `  ${tail}`);
}
