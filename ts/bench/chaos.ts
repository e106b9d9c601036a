import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../cli/exitCodes.ts';
import { explainError } from '../cli/explainError.ts';
import { pythonPath } from '../cli/places.ts';
import { loadConfig } from '../config/load.ts';
import { stream } from '../domain/random.ts';
import { readJournal } from '../store/journal.ts';
import { Attempt } from './chaos/attempt.ts';
import { disturb } from './chaos/disturb.ts';
import { samplesLost, stepsDoubled } from './chaos/losses.ts';
import { parseOptions } from './chaos/options.ts';
import { differences, resultDigests } from './result.ts';

const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));

/**
 * `npm run bench -- chaos`: a run that is left alone, and then the same run again and again for `--seconds`, its
 * orchestrator and workers killed, stalled and preempted at random times and its files damaged in between, resumed
 * until it is done, and compared file by file. The last line is one JSON object; the exit code is 1 if anything
 * differed.
 */
async function main(): Promise<void> {
  const { seconds, seed, preset, sets, every } = parseOptions(process.argv.slice(2));
  const { backend } = loadConfig({ preset, sets }).worker;
  const env = { ...process.env, RZERO_PYTHON: pythonPath(process.env, backend), NODE_OPTIONS: '' };
  const home = mkdtempSync(join(tmpdir(), 'rzero-chaos-'));
  const options = ['--preset', preset, ...sets.flatMap((set) => ['--set', set])];
  const run = (out: string) => [process.execPath, MAIN, 'run', ...options, '--out', out];
  const faults: Record<string, number> = {};
  let [runs, attempts, lost, doubled, disturbedSeconds] = [0, 0, 0, 0, 0];
  const different: string[] = [];
  try {
    const alone = join(home, 'alone');
    const begun = performance.now();
    const undisturbed = new Attempt(run(alone), env);
    const end = await undisturbed.ended;
    if (end !== EXIT.ok) throw new Error(`the run that was left alone ended with ${end}:\n${undisturbed.said}`);
    const secondsAlone = (performance.now() - begun) / 1000;
    process.stderr.write(`left alone: ${secondsAlone.toFixed(0)} s\n`);
    const expected = resultDigests(alone);
    while (disturbedSeconds < seconds) {
      runs += 1;
      const folder = join(home, `run-${runs}`);
      const started = performance.now();
      let struck = 0;
      attempts += await disturb({
        begin: run(folder),
        // The same command goes on with what is there; where nothing is on record yet, it begins.
        resume: run(folder),
        env,
        folder,
        every: every > 0 ? every : secondsAlone / 10,
        random: stream(seed, 'chaos', runs),
        onFault: (name) => {
          struck += 1;
          faults[name] = (faults[name] ?? 0) + 1;
        },
      });
      const took = (performance.now() - started) / 1000;
      disturbedSeconds += took;
      const changed = differences(expected, resultDigests(folder));
      if (!sameSummary(alone, folder)) changed.push('summary.json');
      different.push(...changed.map((name) => `run ${runs}: ${name}`));
      lost += samplesLost(alone, folder, [...expected.keys()]);
      doubled += stepsDoubled(readJournal(folder).entries);
      process.stderr.write(
        `run ${runs}: ${struck} faults, ${took.toFixed(0)} s, ${changed.length === 0 ? 'equal' : 'DIFFERENT'}\n`,
      );
      rmSync(folder, { recursive: true, force: true });
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const result = {
    runs,
    attempts,
    seconds: Math.round(disturbedSeconds),
    faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
    kinds: faults,
    samplesLost: lost,
    stepsDoubled: doubled,
    finalEqual: different.length === 0,
    different,
  };
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length };
  process.stdout.write(`${JSON.stringify({ bench: 'chaos', machine, preset, seed, ...result })}\n`);
  if (different.length > 0) process.exitCode = EXIT.bug;
}

function sameSummary(one: string, other: string): boolean {
  const read = (folder: string) => readFileSync(join(folder, 'summary.json'), 'utf8');
  return read(one) === read(other);
}

try {
  await main();
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`chaos: ${message}\n`);
  process.exitCode = exitCode;
}
