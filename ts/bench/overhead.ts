import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT } from '../cli/exitCodes.ts';
import { runExperiment } from '../cli/experiment.ts';
import { explainError } from '../cli/explainError.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { LoopContext } from '../loop/context.ts';
import { RunFolder } from '../store/runFolder.ts';
import { forgetful, metered, type Spent } from './overhead/meter.ts';
import { parseOptions } from './overhead/options.ts';
import { differences, resultDigests } from './result.ts';

/**
 * `npm run bench -- overhead`: what it costs that a run cannot be lost. The same run with and without journal,
 * checkpoints and checks, in pairs, and the seconds that are spent in each of them. The last line is one JSON object; the exit
 * code is 1 where the two do not come to the same.
 */
async function main(): Promise<void> {
  const { pairs, preset, sets } = parseOptions(process.argv.slice(2));
  const config = loadConfig({ preset, sets });
  const home = mkdtempSync(join(tmpdir(), 'rzero-overhead-'));
  const ratios: number[] = [];
  const shares: number[] = [];
  const parts: Spent[] = [];
  const different = new Set<string>();
  try {
    for (let pair = 1; pair <= pairs; pair++) {
      const spent: Spent = { journal: 0, checkpoints: 0, folder: 0 };
      const sides = {
        kept: () => run(join(home, `kept-${pair}`), config, (context) => metered(context, spent)),
        forgotten: () => run(join(home, `forgotten-${pair}`), config, forgetful),
      };
      // Who goes first changes, so that a machine that slows down or warms up favours neither.
      const seconds = { kept: 0, forgotten: 0 };
      for (const side of pair % 2 === 1 ? (['kept', 'forgotten'] as const) : (['forgotten', 'kept'] as const)) {
        seconds[side] = await sides[side]();
      }
      const [one, other] = [resultDigests(join(home, `kept-${pair}`)), resultDigests(join(home, `forgotten-${pair}`))];
      for (const name of differences(one, other)) different.add(name);
      ratios.push(seconds.kept / seconds.forgotten);
      shares.push((spent.journal + spent.checkpoints + spent.folder) / seconds.kept);
      parts.push(spent);
      process.stderr.write(
        `pair ${pair}: ${seconds.kept.toFixed(1)} s with, ${seconds.forgotten.toFixed(1)} s without; ` +
          `${(100 * (shares.at(-1) as number)).toFixed(2)} % of the time is spent on it\n`,
      );
      for (const side of ['kept', 'forgotten']) rmSync(join(home, `${side}-${pair}`), { recursive: true });
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
  const machine = { cpu: cpus()[0]?.model, threads: cpus().length };
  const of = (part: keyof Spent) => round(median(parts.map((one) => one[part])));
  const result = {
    pairs,
    ratio: round(median(ratios)),
    spentShare: round(median(shares)),
    spentSeconds: { journal: of('journal'), checkpoints: of('checkpoints'), folder: of('folder') },
    equal: different.size === 0,
    different: [...different],
  };
  process.stdout.write(`${JSON.stringify({ bench: 'overhead', machine, preset, ...result })}\n`);
  if (different.size > 0) process.exitCode = EXIT.bug;
}

/** Do a run. @returns its seconds, the start of its workers included */
async function run(path: string, config: Config, instrument: (context: LoopContext) => LoopContext): Promise<number> {
  const begun = performance.now();
  await runExperiment({
    config,
    folder: RunFolder.create(path),
    env: process.env,
    workingFolder: process.cwd(),
    signal: new AbortController().signal,
    reporter: { report: () => undefined },
    instrument,
  });
  return (performance.now() - begun) / 1000;
}

/** Of an odd number of values their middle; of an even one the upper of the two. */
function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

try {
  await main();
} catch (error) {
  const { exitCode, message } = explainError(error);
  process.stderr.write(`overhead: ${message}\n`);
  process.exitCode = exitCode;
}
