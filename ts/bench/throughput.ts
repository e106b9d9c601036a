import { execFile } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { promisify } from 'node:util';
import { explainError } from '../cli/explainError.ts';
import { pythonPath, WORKER_PACKAGE } from '../cli/places.ts';
import { parseOptions, type ThroughputOptions } from './throughput/options.ts';

/**
 * `npm run bench -- throughput`: tokens a second, MFU and memory of the worker's trainer on a model of a real size with
 * random weights, on the GPU where there is one. The last line is one JSON object.
 */
async function main(options: ThroughputOptions): Promise<void> {
  const [load = 0] = loadavg(); // before our own
  const command = ['-m', 'train_step.throughput', JSON.stringify(options)];
  process.stderr.write(
    `${options.model}: ${options.repeats + 2} steps of ${options.sequences * options.sequence} tokens\n`,
  );
  const { stdout } = await promisify(execFile)(pythonPath(process.env, 'torch'), command, { cwd: WORKER_PACKAGE });
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load };
  process.stdout.write(`${JSON.stringify({ bench: 'throughput', machine, ...JSON.parse(stdout) })}\n`);
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`throughput: ${message}\n`);
  process.exitCode = exitCode;
}
