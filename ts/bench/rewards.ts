import { cpus, loadavg } from 'node:os';
import { EXIT } from '../cli/exitCodes.ts';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { compare } from './rewards/compare.ts';
import { parseOptions, REFERENCE_SIZES, type RewardsOptions } from './rewards/options.ts';
import { type Cost, measureApart, measureHere } from './rewards/ours.ts';
import { questions, SETS, type SetName } from './rewards/questions.ts';
import { ownReferencePython, type ReferenceRun, runReference } from './rewards/reference.ts';
import { formatResults } from './rewards/table.ts';

/** The paper's tau_BLEU. */
const THRESHOLD = 0.5;

/**
 * `npm run bench -- rewards`: the repetition penalty of a batch, beside NLTK and scikit-learn as R-Zero's published
 * code uses them, in processor time. The last line is one JSON object; tables in Markdown go to stderr before it; the exit code is 1 if
 * any share differed.
 */
async function main(options: RewardsOptions): Promise<void> {
  if (options.only !== undefined) {
    process.stdout.write(`${JSON.stringify(measureHere(options.only))}\n`);
    return;
  }
  const [load = 0] = loadavg(); // before our own
  const costs: Cost[] = [];
  for (const set of Object.keys(SETS) as SetName[]) {
    for (const size of options.sizes) costs.push(await measureApart({ set, questions: size }));
  }
  const python = options.python ?? (await ownReferencePython(pythonPath(process.env, 'mock')));
  const runs: ReferenceRun[] = [];
  for (const size of options.reference) {
    process.stderr.write(`the reference on ${size} questions\n`);
    runs.push(await runReference(python, questions('mixed', size), THRESHOLD));
  }
  const largest = runs.at(-1) as ReferenceRun;
  const comparisons = [];
  for (const size of [...new Set([...options.reference, ...REFERENCE_SIZES])].sort((a, b) => a - b)) {
    const cost = await measureApart({ set: 'mixed', questions: size });
    comparisons.push(compare(cost, runs.find(({ labels }) => labels.length === size) ?? largest));
  }
  process.stderr.write(`\n${formatResults(comparisons, costs)}\n\n`);
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load, node: process.version };
  process.stdout.write(
    `${JSON.stringify({ bench: 'rewards', machine, versions: largest.versions, comparisons, costs })}\n`,
  );
  if (comparisons.some(({ isEqual }) => isEqual === false)) process.exitCode = EXIT.bug;
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`rewards: ${message}\n`);
  process.exitCode = exitCode;
}
