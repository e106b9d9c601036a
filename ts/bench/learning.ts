import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runExperiment } from '../cli/experiment.ts';
import { ROOT } from '../cli/places.ts';
import { loadConfig } from '../config/load.ts';
import { ARMS, type Arm } from '../domain/settings.ts';
import { mean, pairedDifference } from '../domain/statistics.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { columns } from '../report/text.ts';
import { RunFolder } from '../store/runFolder.ts';

/**
 * `npm run bench -- learning`: the full method against each ablation, at equal Solver steps, over seeds.
 * Finished runs in `--out` are kept and used, so an interrupted bench goes on where it was.
 * The last line is one JSON object; the table before it goes to stderr.
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

/** One figure of every seed's run of an arm, in the seeds' order. */
const bySeed = (arm: Arm, figure: (summary: RunSummary) => number) =>
  seeds.map((seed) => figure(summaries.get(keyOf(arm, seed)) as RunSummary));
const scoresAt = (summary: RunSummary, index: number) => summary.evaluations.at(index)?.scores;
const sampled = (summary: RunSummary) => scoresAt(summary, -1)?.mean?.value ?? Number.NaN;
const base = (summary: RunSummary) => scoresAt(summary, 0)?.mean?.value ?? Number.NaN;
const lastAudit = (summary: RunSummary) => summary.iterations.at(-1)?.audit;

const results = arms.map((arm) => {
  const final = bySeed(arm, sampled);
  const gain = pairedDifference(final, bySeed(arm, base));
  const ahead = arms.includes('full') && arm !== 'full' ? pairedDifference(bySeed('full', sampled), final) : null;
  const average = (figure: (summary: RunSummary) => number | null | undefined) =>
    mean(bySeed(arm, (summary) => figure(summary) ?? Number.NaN));
  return {
    arm,
    meanAtK: mean(final),
    meanAtKBySeed: final,
    gain,
    fullAhead: ahead,
    greedy: average((summary) => scoresAt(summary, -1)?.greedy?.value),
    majority: average((summary) => scoresAt(summary, -1)?.majority?.value),
    worked: average((summary) => scoresAt(summary, -1)?.worked?.value),
    gainFromChoosing: average((summary) => summary.evaluations.at(-1)?.gain?.mean?.parts?.choosing),
    gainFromFewerSlips: average((summary) => summary.evaluations.at(-1)?.gain?.mean?.parts?.slips),
    labelAccuracy: average((summary) => lastAudit(summary)?.kept.labelAccuracy),
    wellPosed: average((summary) => lastAudit(summary)?.asked.wellPosed),
    meanSteps: average((summary) => lastAudit(summary)?.asked.meanSteps),
    multiplications: average((summary) => lastAudit(summary)?.asked.multiplications),
    kept: average((summary) => lastAudit(summary)?.kept.count),
  };
});

const point = (value: number) => (Number.isFinite(value) ? value.toFixed(1) : '-');
const interval = ({ difference, interval: [low, high] }: { difference: number; interval: readonly [number, number] }) =>
  `${point(difference)} [${point(low)}, ${point(high)}]`;
const heading = [
  'arm',
  'mean@k',
  'gain over base',
  'full is ahead by',
  'greedy',
  'steps asked',
  'label accuracy',
  'well-posed',
];
const rows = results.map((result) => [
  result.arm,
  point(result.meanAtK),
  interval(result.gain),
  result.fullAhead === null ? '' : interval(result.fullAhead),
  point(result.greedy),
  point(result.meanSteps),
  point(100 * result.labelAccuracy),
  point(100 * result.wellPosed),
]);
process.stderr.write(`\n${columns([heading, ...rows], [1, 2, 3, 4, 5, 6, 7]).join('\n')}\n\n`);
process.stdout.write(
  `${JSON.stringify({
    bench: 'learning',
    machine: { cpu: cpus()[0]?.model, threads: cpus().length },
    minutes: Math.round((performance.now() - started) / 6000) / 10,
    seeds: seeds.length,
    base: mean(bySeed(arms[0] as Arm, base)),
    arms: results,
  })}\n`,
);
