import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EXIT } from '../cli/exitCodes.ts';
import { runExperiment } from '../cli/experiment.ts';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { loadConfig } from '../config/load.ts';
import { stream } from '../domain/random.ts';
import { RunFolder } from '../store/runFolder.ts';
import { Samplers } from './churn/samplers.ts';
import { differences, resultDigests } from './result.ts';

/** Sizes at which a run on the mock takes seconds, not moments. */
const SIZES = [
  'questions.candidates=20000',
  'evaluation.problems=1000',
  'evaluation.samples=16',
  'worker.requestSamples=256',
];

/**
 * `npm run bench -- churn`: runs on three mock samplers that dial in, one of which is killed every few
 * seconds, each run compared file by file with the undisturbed run of its seed on one worker. Goes on with
 * new seeds for `--seconds`. The last line is one JSON object; the exit code is 1 if anything differed.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seconds: { type: 'string', default: '60' }, every: { type: 'string', default: '2' } },
  });
  const [seconds, every] = [Number(values.seconds), Number(values.every)];
  const home = mkdtempSync(join(tmpdir(), 'rzero-churn-'));
  const random = stream(1, 'churn');
  const different: string[] = [];
  let [kills, runs, samples, lost, disturbedSeconds] = [0, 0, 0, 0, 0];
  try {
    while (disturbedSeconds < seconds) {
      runs += 1;
      const expected = await run(join(home, `alone-${runs}`), runs, []);
      const endpoint = `ipc://${join(home, `s${runs}`)}`;
      const token = randomBytes(32).toString('hex');
      process.env.RZERO_TOKEN = token;
      const samplers = new Samplers({ python: pythonPath(process.env, 'mock'), endpoint, token, count: 3 });
      const killing = setInterval(() => samplers.replaceOne(random), every * 1000);
      const begun = performance.now();
      const path = join(home, `churned-${runs}`);
      try {
        const found = await run(path, runs, [`worker.listen=${endpoint}`, 'worker.expect=3']);
        different.push(...differences(expected, found).map((name) => `seed ${runs}: ${name}`));
      } finally {
        clearInterval(killing);
        await samplers.stop();
        delete process.env.RZERO_TOKEN;
      }
      disturbedSeconds += (performance.now() - begun) / 1000;
      kills += samplers.kills;
      lost += workerEvents(path).filter((message) => message.endsWith(' lost its connection')).length;
      samples += sampleCount(path);
      process.stderr.write(
        `seed ${runs}: ${samplers.kills} killed, ${different.length === 0 ? 'equal' : 'DIFFERENT'}\n`,
      );
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length };
  const result = {
    runs,
    seconds: Math.round(disturbedSeconds),
    kills,
    losses: lost,
    samples,
    equal: different.length === 0,
    different,
  };
  process.stdout.write(`${JSON.stringify({ bench: 'churn', machine, ...result })}\n`);
  if (different.length > 0) process.exitCode = EXIT.bug;
}

/** Do a run of a seed; the digests of what came of it. */
async function run(path: string, seed: number, sets: readonly string[]): Promise<Map<string, string>> {
  await runExperiment({
    config: loadConfig({ preset: 'mock', sets: [...SIZES, `seed=${seed}`, ...sets] }),
    folder: RunFolder.create(path),
    env: process.env,
    workingFolder: process.cwd(),
    signal: new AbortController().signal,
    reporter: { report: () => undefined },
  });
  return resultDigests(path);
}

function metrics(path: string): { kind: string; message?: string }[] {
  return readFileSync(join(path, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function workerEvents(path: string): string[] {
  return metrics(path).flatMap(({ kind, message }) => (kind === 'workers' ? [message ?? ''] : []));
}

/** Answers that the run's question phases recorded; each came from one sampler, once. */
function sampleCount(path: string): number {
  return [...resultDigests(path).keys()]
    .filter((name) => /^iteration-\d+\/(questions|evaluation)\.jsonl$/.test(name))
    .flatMap((name) => readFileSync(join(path, name), 'utf8').trim().split('\n'))
    .reduce((sum, line) => sum + ((JSON.parse(line) as { responses?: unknown[] }).responses?.length ?? 1), 0);
}

try {
  await main();
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`churn: ${message}\n`);
  process.exitCode = exitCode;
}
