import { cpus, loadavg } from 'node:os';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { parseOptions } from './orchestrator/options.ts';
import { measureOrchestrator, summaryOf } from './orchestrator/results.ts';
import { formatResults } from './orchestrator/table.ts';

/**
 * `npm run bench -- orchestrator`: the hub, sessions, pool and grading of a run with 1,000 workers and 1,000,000 samples
 * on one machine. The workers are real sockets that speak the real protocol, and draw nothing. Once as fast as it goes,
 * and once at the pace of a run on GPUs, in which the workers measure how long they wait for the orchestrator.
 * The last line is one JSON object; tables in Markdown go to stderr before it.
 */
async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  const [load = 0] = loadavg(); // before our own
  const results = await measureOrchestrator(pythonPath(process.env, 'mock'), options);
  process.stderr.write(`\n${formatResults(results, options)}\n\n`);
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load };
  const result = { bench: 'orchestrator', machine, options, ...summaryOf(results, options) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`orchestrator: ${message}\n`);
  process.exitCode = exitCode;
}
