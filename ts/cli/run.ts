import { join, relative, resolve } from 'node:path';
import type { Config } from '../config/schema.ts';
import { RunFolder } from '../store/runFolder.ts';
import { conduct, placeWorkers } from './conduct.ts';
import { type ConfigFlags, configFrom } from './configFlags.ts';
import { runExperiment } from './experiment.ts';
import { resumeRun } from './resume.ts';
import { RUNS, warnOfLittleRoom } from './room.ts';
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
 * `rzero run`: a new run, or the rest of one that is not finished where `--out` names its folder.
 *
 * @throws ConfigError, RunFolderError, WorkerStartError, WorkerCallError, or an error of the file system
 */
export async function runCommand(flags: RunFlags, terminal: Terminal): Promise<void> {
  const { workingFolder } = terminal;
  const given = flags.out === undefined ? undefined : resolve(workingFolder, flags.out);
  const unbegun = given === undefined ? undefined : RunFolder.unbegun(given);
  const unfinished = given === undefined || unbegun !== undefined ? undefined : RunFolder.unfinished(given);
  if (unfinished !== undefined) {
    const { out: name = '', ...rest } = flags;
    terminal.err(`${name} holds a run that is not finished: going on with it.\n`);
    // Without options it is the run as it was; with options, these are all that is asked for.
    const asIs = Object.values(rest).every((value) => value === undefined);
    await resumeRun(unfinished, name, (recorded) => (asIs ? recorded : configOf(flags, workingFolder)), terminal);
    return;
  }
  const config = configOf(flags, workingFolder);
  // What cannot be started is refused before there is a folder.
  const placed = await placeWorkers(config, terminal);
  const path = given ?? resolve(workingFolder, join(RUNS, defaultName(config)));
  const folder = unbegun ?? RunFolder.create(path);
  terminal.err(await warnOfLittleRoom(config, placed, path, terminal));
  await conduct(config, placed, folder, shorterPath(path, workingFolder), terminal, runExperiment);
}

function configOf(flags: RunFlags, workingFolder: string): Config {
  // Flags are short names for the commonest assignments, and weaker than --set.
  const named = (['model', 'arm', 'seed', 'iterations'] as const).flatMap((name) =>
    flags[name] === undefined ? [] : [`${name}=${name === 'model' ? JSON.stringify(flags[name]) : flags[name]}`],
  );
  return configFrom(flags, workingFolder, named);
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
