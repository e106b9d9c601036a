import { explainError } from '../cli/exitCodes.ts';
import { timeline } from '../simulate/timeline.ts';
import { parseOptions, type SimulateOptions } from './simulate/options.ts';
import { clusterOf, PAPER_SIZES, playOurs, playTheirs } from './simulate/scenarios.ts';
import { table } from './simulate/tables.ts';

async function main(options: SimulateOptions): Promise<void> {
  const sizes = { ...PAPER_SIZES, iterations: 1, scale: options.quick ? 1 / 8 : 1 };
  for (const gpu of ['a100-40', 'h100']) {
    const theirs = await playTheirs(clusterOf(gpu, 8), sizes);
    const results = [theirs.result];
    for (const layout of ['apart', 'colocated', 'auto'] as const) {
      try {
        const { result, played } = await playOurs(clusterOf(gpu, 8), sizes, { layout });
        results.push(result);
        if (options.timeline)
          for (const ph of played.phases)
            process.stderr.write(`${ph.phase}\n${timeline(played, { from: ph.from, to: ph.from + Math.min(600, ph.to - ph.from) }, 150).join('\n')}\n`);
      } catch (e) {
        process.stderr.write(`${layout}: ${(e as Error).message}\n`);
      }
    }
    process.stderr.write(`${table(results, 0)}\n\n`);
    process.stderr.write(`cpu ${results.map(({ cpuSeconds }) => cpuSeconds)}\n\n`);
  }
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`simulate: ${message}\n`);
  process.exitCode = exitCode;
}
