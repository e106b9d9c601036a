import { totalmem } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { layoutText } from '../report/plan.ts';
import { createProgressReporter } from '../report/progress.ts';
import { RunFolder } from '../store/runFolder.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { processClock, runExperiment } from './experiment.ts';
import { type Placed, placeRun, requireHostMemory } from './placement.ts';
import { postsOf } from './posts.ts';
import { RUNS, warnOfLittleRoom } from './room.ts';
import { printResult } from './show.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero run` as given. */
export interface RunFlags extends ConfigFlags {
  model?: string;
  arm?: string;
  seed?: string;
  iterations?: string;
  out?: string;
}

/**
 * `rzero run`.
 *
 * @throws ConfigError, RunFolderError, WorkerStartError, WorkerCallError, or an error of the file system
 */
export async function runCommand(flags: RunFlags, terminal: Terminal): Promise<void> {
  const config = configOf(flags, terminal.workingFolder);
  const placed = await placeRun(config, terminal);
  // What cannot be started is refused before there is a folder.
  postsOf(config, placed);
  if (placed !== undefined) requireHostMemory(placed, totalmem());
  const path = resolve(terminal.workingFolder, flags.out ?? join(RUNS, defaultName(config)));
  const folder = RunFolder.create(path);
  const shownPath = shorterPath(path, terminal.workingFolder);
  terminal.err(`${announcement(config, shownPath)}${placementLine(placed)}\n\n`);
  terminal.err(await warnOfLittleRoom(config, placed, path, terminal));
  const reporter = createProgressReporter({
    write: terminal.err,
    terminal: terminal.screen,
    clock: processClock,
    samples: config.evaluation.samples,
  });
  try {
    const summary = await runExperiment({
      ...terminal,
      config,
      ...(placed === undefined ? {} : { placed }),
      folder,
      reporter,
    });
    terminal.err('\n');
    printResult(summary, shownPath, terminal);
  } catch (error) {
    if (terminal.signal.aborted) terminal.err(`rzero: stopped; what was finished is in ${shownPath}\n`);
    throw error;
  }
}

function configOf(flags: RunFlags, workingFolder: string): Config {
  // Flags are short names for the commonest assignments, and weaker than --set.
  const named = (['model', 'arm', 'seed', 'iterations'] as const).flatMap((name) =>
    flags[name] === undefined ? [] : [`${name}=${name === 'model' ? JSON.stringify(flags[name]) : flags[name]}`],
  );
  return configFrom(flags, workingFolder, named);
}

/** Who computes, where GPUs do by plan. */
function placementLine(placed: Placed | undefined): string {
  if (placed === undefined) return '';
  const { cluster, decision } = placed;
  const gpus = `${cluster.hosts * cluster.gpusPerHost} x ${cluster.gpu.name}`;
  return `\n${gpus}, ${layoutText(decision.layout)} (rzero plan says why).`;
}

/** A path as a person would type it: relative where it lies below the working folder. */
function shorterPath(path: string, workingFolder: string): string {
  const below = relative(workingFolder, path);
  return below === '' || below.startsWith('..') ? path : below;
}

function defaultName({ preset, arm, seed }: Config): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return [time, preset, ...(arm === 'full' ? [] : [arm]), `seed${seed}`].join('-');
}

/** What is going to happen, in two lines. */
function announcement(config: Config, folder: string): string {
  const { model, preset, arm, seed, iterations, evaluation } = config;
  const base = model === 'embedded' ? 'the embedded base' : model;
  const what = arm === 'full' ? '' : `, arm ${arm}`;
  return [
    `R-Zero on ${base}: ${iterations} x (Challenger, questions, Solver, evaluation), preset ${preset}${what}, seed ${seed}.`,
    `No labels are used; ${evaluation.problems} held-out problems measure what comes of it. Files: ${folder}`,
  ].join('\n');
}
