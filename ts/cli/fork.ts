import { relative, resolve } from 'node:path';
import { changesBetween, describeChanges } from '../config/changes.ts';
import { formatConfig, loadConfig } from '../config/load.ts';
import type { JournalEntry } from '../ports/journal.ts';
import { plural } from '../report/text.ts';
import { entriesBefore, FORK_POINT_FORM, type ForkPoint, parseForkPoint } from '../store/fork.ts';
import { RunJournal, readJournal } from '../store/journal.ts';
import { needed } from '../store/needed.ts';
import { objectFile } from '../store/objects.ts';
import { RunFolder, RunFolderError } from '../store/runFolder.ts';
import { recordedRun } from './recordedConfig.ts';
import { describeReward } from './reward.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';
import { VERSION } from './version.ts';

/** Flags of `rzero fork` as given. */
export interface ForkFlags {
  at: string;
  out: string;
  set?: string[];
}

/**
 * `rzero fork`: a new run that shares the first phases of another, and does the others with other options. The files are
 * linked where the file system can, else copied: neither run needs the other.
 *
 * @throws UsageError for a point that is none, or that the run has not come to; ConfigError; RunFolderError
 */
export async function forkCommand(name: string, { at, out, set = [] }: ForkFlags, terminal: Terminal): Promise<void> {
  const point = parseForkPoint(at);
  if (point === undefined) throw new UsageError(`--at is ${JSON.stringify(at)}: allowed is ${FORK_POINT_FORM}`);
  const parent = RunFolder.open(name, resolve(terminal.workingFolder, name));
  const { entries, attempts } = readJournal(parent.path);
  const recorded = recordedRun(entries, name);
  const { workingFolder } = recorded;
  const text = JSON.stringify(recorded.config);
  const config = loadConfig({ file: { name: `the journal of ${name}`, text }, sets: set });
  const shared = sharedEntries(entries, point, name, at);
  const rewardModule = await describeReward(config, workingFolder);

  const wanted = needed(shared, { ...config, storage: { ...config.storage, keepModels: 'last' } });
  for (const entry of shared) {
    const freed = entry.type === 'done' && entry.model !== undefined && !parent.has(entry.model.name);
    if (!freed || !wanted.has(entry.model?.name ?? '')) continue;
    const why = `${entry.model?.name} is not there any more (storage.keepModels)`;
    throw new RunFolderError('not_finished', `run ${name} cannot be forked at ${at}: ${why}`);
  }

  const folder = RunFolder.create(resolve(terminal.workingFolder, out));
  for (const entry of shared) {
    if (entry.type !== 'done') continue;
    for (const file of entry.files) parent.share(file.name, folder);
    if (entry.model !== undefined && parent.has(entry.model.name)) parent.share(entry.model.name, folder);
  }
  const journal = await RunJournal.open(folder.path, { version: VERSION });
  try {
    const forkOf = { run: attempts[0]?.run ?? '', at };
    journal.append({ type: 'run', config, workingFolder, ...(rewardModule && { rewardModule }), forkOf });
    for (const entry of shared) {
      if (entry.type === 'done') parent.share(objectFile(entry.value), folder);
      journal.append(entry);
    }
    journal.append({ type: 'end', how: 'stopped' }, true);
    folder.writeText('config.yml', formatConfig(config));
    folder.writeStatus({ status: 'stopped', startedAt: new Date().toISOString() });
  } finally {
    journal.close();
  }
  const phases = shared.filter(({ type }) => type === 'done').length;
  const changes = changesBetween(recorded.config, config);
  terminal.err(
    `${out} shares ${plural(phases, 'phases')} with ${name}` +
      `${changes.length === 0 ? '' : `; what follows is done with\n${describeChanges(changes)}`}\n` +
      `Go on with: rzero resume ${relative(terminal.workingFolder, folder.path) || out}\n`,
  );
}

function sharedEntries(entries: readonly JournalEntry[], point: ForkPoint, name: string, at: string): JournalEntry[] {
  try {
    return entriesBefore(entries, point);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RunFolderError('not_finished', `run ${name} cannot be forked at ${at}: ${error.message}`);
  }
}
