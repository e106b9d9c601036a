import { totalmem } from 'node:os';
import type { Config } from '../config/schema.ts';
import { rollsBack } from '../domain/warnings/rules.ts';
import { Stopped } from '../loop/errors.ts';
import type { Reporter } from '../ports/reporter.ts';
import { layoutText } from '../report/plan.ts';
import { createProgressReporter } from '../report/progress.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { readJournal } from '../store/journal.ts';
import type { RunFolder } from '../store/runFolder.ts';
import { isDiskError, RunDiskError } from './diskError.ts';
import { type Experiment, processClock } from './experiment.ts';
import { type Placed, placeRun, requireHostMemory } from './placement.ts';
import { postsOf } from './posts.ts';
import { printResult } from './show.ts';
import type { Terminal } from './terminal.ts';

/**
 * What of a run's workers is decided before anything starts.
 *
 * @throws ConfigError, PlacementError for what cannot be started here
 */
export async function placeWorkers(config: Config, terminal: Terminal): Promise<Placed | undefined> {
  const placed = await placeRun(config, terminal);
  const posts = postsOf(config, placed);
  if (placed !== undefined && posts.length > 0) requireHostMemory(placed, totalmem());
  return placed;
}

/**
 * Have a run done with people watching, and print what came of it.
 *
 * @param name the run's folder as people type it
 * @param start does it
 * @throws what `start` throws; where it was told to stop, that has been said
 */
export async function conduct(
  config: Config,
  placed: Placed | undefined,
  folder: RunFolder,
  name: string,
  terminal: Terminal,
  start: (experiment: Experiment) => Promise<RunSummary>,
): Promise<void> {
  terminal.err(`${announcement(config, name)}${placementLine(placed)}\n\n`);
  const reporter: Reporter = createProgressReporter({
    write: terminal.err,
    terminal: terminal.screen,
    clock: processClock,
    samples: config.evaluation.samples,
    run: { iterations: config.iterations, trainsChallenger: config.arm !== 'untrained-challenger' },
  });
  const { env, workingFolder, signal } = terminal;
  const where = { folder, reporter, env, workingFolder, signal };
  try {
    const summary = await start({ config, ...(placed === undefined ? {} : { placed }), ...where });
    terminal.err('\n');
    printResult(summary, name, terminal);
  } catch (error) {
    if (error instanceof Stopped) terminal.err(`rzero: stopped; go on with: rzero resume ${name}\n`);
    if (!isDiskError(error)) throw error;
    throw new RunDiskError(error, { name, path: folder.path, begun: hasBegun(folder) });
  }
}

/** Whether there is something on record to go on with, as far as that can be read. */
function hasBegun({ path }: RunFolder): boolean {
  try {
    return readJournal(path).entries.length > 0;
  } catch {
    return false;
  }
}

/** Who computes, where GPUs do by plan. */
function placementLine(placed: Placed | undefined): string {
  if (placed === undefined) return '';
  const { cluster, decision } = placed;
  const gpus = `${cluster.hosts * cluster.gpusPerHost} x ${cluster.gpu.name}`;
  return `\n${gpus}, ${layoutText(decision.layout)} (rzero plan says why).`;
}

/** What is going to happen, in two lines. */
function announcement(config: Config, folder: string): string {
  const { model, preset, arm, seed, iterations, evaluation, warnings } = config;
  const base = model === 'embedded' ? 'the embedded base' : model;
  const what = arm === 'full' ? '' : `, arm ${arm}`;
  const use = rollsBack(warnings) ? 'Labels decide where a roll-back goes, and nothing else' : 'No labels are used';
  return [
    `R-Zero on ${base}: ${iterations} x (Challenger, questions, Solver, evaluation), preset ${preset}${what}, seed ${seed}.`,
    `${use}; ${evaluation.problems} held-out problems measure what comes of it. Files: ${folder}`,
  ].join('\n');
}
