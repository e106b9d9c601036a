import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../cli/exitCodes.ts';
import { runExperiment } from '../cli/experiment.ts';
import { explainError } from '../cli/explainError.ts';
import { ROOT } from '../cli/places.ts';
import { formatConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { RunFolder } from '../store/runFolder.ts';
import { compareArms, formatArms } from './learning/compareArms.ts';
import { type LearningOptions, parseOptions, UsageError } from './learning/options.ts';

/**
 * `npm run bench -- learning`: the full method against each ablation, at equal Solver steps, over seeds.
 * Finished runs in `--out` are kept and used, so an interrupted bench goes on where it was.
 * The last line is one JSON object; tables in Markdown go to stderr before it.
 */
async function main(options: LearningOptions): Promise<void> {
  const { arms, seeds, out, jobs, configOf } = options;
  const started = performance.now();
  const summaries = new Map<string, RunSummary>();
  const keyOf = (arm: string, seed: number) => `${arm}-seed${seed}`;
  // Seed by seed, so that an interrupted bench has whole pairs.
  const waiting = seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed })));
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const key = keyOf(next.arm, next.seed);
      summaries.set(key, await finished(join(out, key), key, configOf(next.arm, next.seed)));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));

  const results = compareArms(
    new Map(arms.map((arm) => [arm, seeds.map((seed) => summaries.get(keyOf(arm, seed)) as RunSummary)])),
  );
  process.stderr.write(`\n${formatArms(results)}\n\n`);
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length };
  const minutes = Math.round((performance.now() - started) / 6000) / 10;
  process.stdout.write(`${JSON.stringify({ bench: 'learning', machine, minutes, seeds, arms: results })}\n`);
}

/** The summary of a run that was finished before, or of a new one in its place. */
async function finished(path: string, name: string, config: Config): Promise<RunSummary> {
  const begun = performance.now();
  const kept = keptSummary(path, config);
  const summary = kept ?? (await newRun(path, config));
  const time = kept === undefined ? `${((performance.now() - begun) / 1000).toFixed(0)} s` : 'kept';
  const curve = summary.evaluations.map(({ scores }) => (scores.mean?.value ?? Number.NaN).toFixed(1)).join(' ');
  process.stderr.write(`${name}: mean@k ${curve} (${time})\n`);
  return summary;
}

/** @throws UsageError when the run in that place was made with another configuration */
function keptSummary(path: string, config: Config): RunSummary | undefined {
  let folder: RunFolder;
  try {
    folder = RunFolder.open(path);
  } catch {
    return undefined; // not run yet
  }
  if (!folder.has('summary.json')) return undefined;
  if (folder.readText('config.yml') !== formatConfig(config)) {
    throw new UsageError(`--out ${path} holds a run of another configuration; choose another folder`);
  }
  return folder.readDocument<RunSummary>('summary.json');
}

async function newRun(path: string, config: Config): Promise<RunSummary> {
  // What an interrupted bench left unfinished; the folder is the bench's own.
  rmSync(path, { recursive: true, force: true });
  return runExperiment({
    config,
    folder: RunFolder.create(path),
    env: process.env,
    workingFolder: process.cwd(),
    signal: new AbortController().signal,
    reporter: { report: () => undefined },
  });
}

try {
  await main(parseOptions(process.argv.slice(2), join(ROOT, 'runs', 'learning')));
} catch (error) {
  const wrongUsage =
    error instanceof Error &&
    (error.name === 'UsageError' || ('code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')));
  const { exitCode, message } = wrongUsage ? { exitCode: EXIT.usage, message: error.message } : explainError(error);
  process.stderr.write(`learning: ${message}\n`);
  process.exitCode = exitCode;
}
