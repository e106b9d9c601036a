import { relative, resolve } from 'node:path';
import { TRACKERS, type Tracker } from '../config/schema.ts';
import { readJournal } from '../store/journal.ts';
import { RunFolder } from '../store/runFolder.ts';
import { SIDECARS, sendNow } from '../trackers/sidecar.ts';
import { makeEventFile } from '../trackers/tensorboard/eventFile.ts';
import { EXIT } from './exitCodes.ts';
import { trackerPython } from './places.ts';
import { recordedRun } from './recordedConfig.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

/** Flags of `rzero track` as given. */
export interface TrackFlags {
  to?: string[];
  project?: string;
  follow?: true;
}

/**
 * `rzero track`: let trackers have what they have not got of a run.
 *
 * @returns 0, or the exit code of the first that failed: 69 where a package or a server is missing, 77 without credentials
 * @throws UsageError; RunFolderError where there is no run; JournalError; an error of the file system
 */
export async function trackCommand(name: string, flags: TrackFlags, terminal: Terminal): Promise<number> {
  const { env, err, signal, workingFolder } = terminal;
  const folder = RunFolder.open(name, resolve(workingFolder, name));
  const past = readJournal(folder.path);
  const { tracking } = recordedRun(past.entries, name).config;
  const to = chosen(flags.to, tracking.to, name);
  if (to.includes('tensorboard')) {
    const { path } = await makeEventFile(folder.path, past);
    err(`tensorboard: ${relative(workingFolder, path)}\n`);
  }
  const { entity, name: shown } = tracking;
  const project = flags.project ?? tracking.project;
  const codes = await Promise.all(
    SIDECARS.filter((tracker) => to.includes(tracker)).map((tracker) =>
      sendNow(
        trackerPython(env),
        { tracker, run: folder.path, project, name: shown, entity },
        { env, follow: flags.follow ?? false, signal, onOutput: (chunk) => err(Buffer.from(chunk).toString()) },
      ),
    ),
  );
  return codes.find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

function chosen(asked: readonly string[] | undefined, own: readonly Tracker[], run: string): readonly Tracker[] {
  const unknown = asked?.find((tracker) => !(TRACKERS as readonly string[]).includes(tracker));
  if (unknown !== undefined) throw new UsageError(`--to is one of ${TRACKERS.join(', ')}, not "${unknown}"`);
  const to = (asked as Tracker[] | undefined) ?? own;
  if (to.length > 0) return to;
  throw new UsageError(`run ${run} names no tracker of its own (tracking.to): say --to ${TRACKERS.join(', --to ')}`);
}
