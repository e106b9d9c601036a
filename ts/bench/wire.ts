import { cpus, loadavg } from 'node:os';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { parseOptions } from './wire/options.ts';
import { measureRoundTrips } from './wire/roundTrips.ts';
import { messageSizes } from './wire/sizes.ts';
import { formatResults } from './wire/table.ts';
import { measureThroughput } from './wire/throughput.ts';

/** Sequences of a large call, and tokens of each. */
const LARGE = { sequences: 100, length: 1000 };

/**
 * `npm run bench -- wire`: what a token costs on its way to a worker and back, against the two ways in which others
 * send them: lists of numbers in msgpack, and HTTP with JSON files. The workers compute nothing.
 * The last line is one JSON object; tables in Markdown go to stderr before it.
 */
async function main(args: readonly string[]): Promise<void> {
  const { repeats } = parseOptions(args);
  const python = pythonPath(process.env, 'mock');
  const [load = 0] = loadavg(); // before our own
  const results = {
    bytesPerToken: messageSizes(256, 512),
    milliseconds: await measureRoundTrips({ python, ...LARGE, repeats }),
    throughput: await measureThroughput({ python, workers: [1, 8], tokens: 10_000, requests: 5 * repeats, rounds: 10 }),
  };
  process.stderr.write(`\n${formatResults(results, LARGE.sequences * LARGE.length)}\n\n`);
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load };
  process.stdout.write(`${JSON.stringify({ bench: 'wire', machine, repeats, ...results })}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`wire: ${message}\n`);
  process.exitCode = exitCode;
}
