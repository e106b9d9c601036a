import { writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { EXIT } from '../cli/exitCodes.ts';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { UsageError } from '../cli/usage.ts';
import { compare } from './trainStep/comparison.ts';
import { trlPython } from './trainStep/environment.ts';
import { boundOf, countTokens, readFixture, withFixture } from './trainStep/fixture.ts';
import { makeGolden } from './trainStep/golden.ts';
import { takeTurns } from './trainStep/measure.ts';
import { parseOptions, type TrainStepOptions } from './trainStep/options.ts';
import { SHAPES, type ShapeName } from './trainStep/shapes.ts';
import { Side, sideCommand } from './trainStep/side.ts';
import { formatResults, type ShapeResult } from './trainStep/table.ts';
import { quantile } from './wire/timing.ts';

/** Steps of each side that do not count: the first allocates the optimiser's state and the memory of all later ones. */
const WARM_UP = 2;

/**
 * `npm run bench -- train-step`: one GRPO step on the same tokens by the worker's trainer, by TRL's GRPOTrainer and in
 * plain PyTorch, each in a process of its own, step by step in turn. The last line is one JSON object; tables in
 * Markdown go to stderr before it; the exit code is 1 if gradient norms or movements of the parameters disagree.
 */
async function main(options: TrainStepOptions): Promise<void> {
  const [load = 0] = loadavg(); // before our own
  const python = pythonPath(process.env, 'torch');
  if (options.fixture !== undefined) return print(await stepsOnFixture(python, options.fixture, options.threads));
  const trl = options.skipTrl ? undefined : await trlPython(python, options.trl);
  if (options.makeGolden !== undefined && trl !== undefined) {
    const golden = await makeGolden(python, trl);
    await writeFile(options.makeGolden, `${JSON.stringify(golden, null, 1)}\n`);
    return print({ bench: 'train-step', golden: options.makeGolden, cases: golden.cases.length });
  }
  const results: (ShapeResult & { versions: object })[] = [];
  for (const name of options.shapes) {
    process.stderr.write(`${name}: ${options.repeats} steps\n`);
    results.push(await measureShape(name, python, trl, options));
  }
  process.stderr.write(`\n${formatResults(results)}\n\n`);
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length, load };
  const { repeats, model, loss, jitter, seed, threads = 1 } = options;
  print({ bench: 'train-step', machine, repeats, threads, model, loss, jitter, seed, results });
  if (results.some(({ agrees }) => !agrees)) process.exitCode = EXIT.bug;
}

async function measureShape(
  name: ShapeName,
  python: string,
  trl: string | undefined,
  options: TrainStepOptions,
): Promise<ShapeResult & { versions: object }> {
  const shape = SHAPES[name];
  const args = {
    preset: options.model,
    prompts: shape.prompts,
    group: shape.group,
    prompt_len: shape.promptLength,
    completion_len: shape.completionLength,
    jitter: shape.jittered ? options.jitter : 0,
    steps: WARM_UP + options.repeats,
    loss_type: options.loss,
    threads: options.threads ?? 1,
    seed: options.seed,
    ...boundOf(options.loss),
  };
  return withFixture(python, args, async (folder) => {
    const measured = await takeTurns(
      {
        ours: new Side(sideCommand(python, 'ours', folder)),
        ...(trl === undefined ? {} : { trl: new Side(sideCommand(trl, 'trl', folder)) }),
        bare: new Side(sideCommand(python, 'bare', folder)),
      },
      args.steps,
    );
    const tokens = countTokens((await readFixture(folder)).steps.slice(WARM_UP));
    const versions = (measured.trl ?? measured.ours).outcome.versions;
    return { shape: name, tokens, versions, ...compare(measured, WARM_UP) };
  });
}

/** Our side alone, on a folder that any program may have written. */
async function stepsOnFixture(python: string, folder: string, threads: number | undefined): Promise<object> {
  const { args } = await readFixture(folder);
  if (!(args.steps > WARM_UP)) {
    throw new UsageError(
      `--fixture "${folder}" has ${args.steps} steps: it must have more than the ${WARM_UP} that warm up`,
    );
  }
  const { ours } = await takeTurns({ ours: new Side(sideCommand(python, 'ours', folder, threads)) }, args.steps);
  return {
    bench: 'train-step',
    fixture: folder,
    threads: ours.outcome.threads,
    grad_norms: ours.steps.map((step) => step.grad_norm),
    param_delta_l2: ours.outcome.param_delta_l2,
    median_s: quantile(
      ours.steps.slice(WARM_UP).map((step) => step.seconds),
      0.5,
    ),
    versions: ours.outcome.versions,
  };
}

function print(result: object): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`train-step: ${message}\n`);
  process.exitCode = exitCode;
}
