import { cpus, loadavg } from 'node:os';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { WorkerStartError } from '../worker/errors.ts';
import { compare } from './generation/comparison.ts';
import { type VllmPython, vllmPython } from './generation/environment.ts';
import { type GenerationSide, type SideName, sideCommand, takeRounds } from './generation/measure.ts';
import { type GenerationOptions, parseOptions } from './generation/options.ts';
import { requestArgs, withRequests } from './generation/requests.ts';
import { SHAPES, type Shape, type ShapeName } from './generation/shapes.ts';
import { formatResults, type ShapeResult } from './generation/table.ts';
import { Side } from './trainStep/side.ts';

/**
 * `npm run bench -- generation`: the same requests drawn by the worker's own sampler, by transformers' `generate` and by
 * vLLM on the CPU, each in a process of its own, round by round in turn. The last line is one JSON object; a table in
 * Markdown goes to stderr before it.
 */
async function main(options: GenerationOptions): Promise<void> {
  const [loadBefore = 0] = loadavg(); // before our own
  const python = pythonPath(process.env, 'torch');
  const vllm = await vllmPython(options);
  const results: ShapeResult[] = [];
  for (const name of options.shapes) {
    process.stderr.write(`${name}: ${options.repeats} rounds\n`);
    results.push(await measureShape(name, python, vllm, options));
  }
  process.stderr.write(`\n${formatResults(results)}\n\n`);
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, loadBefore, loadAfter: loadavg()[0] };
  const { model, repeats, threads, rows, topP, seed, changes } = options;
  const asked = { model, repeats, threads, rows, topP, seed, ...changes };
  process.stdout.write(`${JSON.stringify({ bench: 'generation', machine, ...asked, results })}\n`);
}

async function measureShape(
  name: ShapeName,
  python: string,
  vllm: VllmPython,
  options: GenerationOptions,
): Promise<ShapeResult> {
  const shape: Shape = { ...SHAPES[name], ...options.changes };
  return withRequests(python, requestArgs(shape, options), async (folder) => {
    const start = (program: string, side: SideName): GenerationSide => new Side(sideCommand(program, side, folder));
    const measured = await takeRounds(
      {
        ours: start(python, 'ours'),
        generate: start(python, 'generate'),
        scored: start(python, 'scored'),
        ...('python' in vllm ? { vllm: start(vllm.python, 'vllm') } : {}),
      },
      options.repeats,
    );
    const { vllm: refusedByVllm, ...refused } = measured.refused;
    const { ours, ...others } = measured.rounds;
    if (ours === undefined || Object.keys(refused).length > 0) {
      throw new WorkerStartError('worker_start_failed', `${name} cannot be drawn`, JSON.stringify(refused));
    }
    const why = 'missing' in vllm ? vllm.missing : refusedByVllm;
    const skipped = why === undefined ? {} : { vllm: why };
    if (why !== undefined) process.stderr.write(`${name}: vLLM is skipped: ${why}\n`);
    return { shape: name, ...compare({ ours, ...others }), versions: measured.versions, skipped };
  });
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`generation: ${message}\n`);
  process.exitCode = exitCode;
}
