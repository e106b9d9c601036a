import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runExperiment } from '../cli/experiment.ts';
import { ROOT } from '../cli/places.ts';
import { loadConfig } from '../config/load.ts';
import { ARMS, type Arm } from '../domain/settings.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { RunFolder } from '../store/runFolder.ts';
import { compareArms, formatArms } from './learning/compareArms.ts';

/**
 * `npm run bench -- learning`: the full method against each ablation, at equal Solver steps, over seeds.
 * Finished runs in `--out` are kept and used, so an interrupted bench goes on where it was.
 * The last line is one JSON object; tables in Markdown go to stderr before it.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '5' },
    arms: { type: 'string', default: ARMS.join(',') },
    out: { type: 'string', default: join(ROOT, 'runs', 'learning') },
    jobs: { type: 'string', default: '1' },
    preset: { type: 'string', default: 'embedded' },
    set: { type: 'string', multiple: true, default: [] },
  },
});

const arms = values.arms.split(',').map((name) => {
  if (!(ARMS as readonly string[]).includes(name))
    throw new Error(`--arms: "${name}" is not one of ${ARMS.join(', ')}`);
  return name as Arm;
});
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => index + 1);
const summaries = new Map<string, RunSummary>();
const keyOf = (arm: Arm, seed: number) => `${arm}-seed${seed}`;
// Seed by seed, so that an interrupted bench has whole pairs.
const waiting = seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed })));
const started = performance.now();

async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { arm, seed } = next;
    const path = join(values.out, keyOf(arm, seed));
    const kept = readSummary(path);
    const begun = performance.now();
    const summary = kept ?? (await run(path, arm, seed));
    summaries.set(keyOf(arm, seed), summary);
    const seconds = kept === undefined ? `${((performance.now() - begun) / 1000).toFixed(0)} s` : 'kept';
    const curve = summary.evaluations.map(({ scores }) => (scores.mean?.value ?? Number.NaN).toFixed(1)).join(' ');
    process.stderr.write(`${keyOf(arm, seed)}: mean@k ${curve} (${seconds})\n`);
  }
}

function readSummary(path: string): RunSummary | undefined {
  try {
    return RunFolder.open(path).readDocument<RunSummary>('summary.json');
  } catch {
    return undefined; // not run yet, or not to its end
  }
}

async function run(path: string, arm: Arm, seed: number): Promise<RunSummary> {
  const config = loadConfig({ preset: values.preset, sets: [...values.set, `arm=${arm}`, `seed=${seed}`] });
  return runExperiment({
    config,
    folder: RunFolder.create(path),
    env: process.env,
    workingFolder: process.cwd(),
    signal: new AbortController().signal,
    reporter: { report: () => undefined },
  });
}

await Promise.all(Array.from({ length: Number(values.jobs) }, work));

const results = compareArms(
  new Map(arms.map((arm) => [arm, seeds.map((seed) => summaries.get(keyOf(arm, seed)) as RunSummary)])),
);
process.stderr.write(`\n${formatArms(results)}\n\n`);
process.stdout.write(
  `${JSON.stringify({
    bench: 'learning',
    machine: { cpu: cpus()[0]?.model, threads: cpus().length },
    minutes: Math.round((performance.now() - started) / 6000) / 10,
    preset: values.preset,
    seeds,
    arms: results,
  })}\n`,
);
