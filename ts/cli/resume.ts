import { resolve } from 'node:path';
import { describeChanges } from '../config/changes.ts';
import { formatConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { RunSummary } from '../report/runSummary.ts';
import { plural } from '../report/text.ts';
import { wrecksIn } from '../store/garbage.ts';
import { RunFolder } from '../store/runFolder.ts';
import { conduct, placeWorkers } from './conduct.ts';
import { attemptRun } from './experiment.ts';
import { openJournal } from './openJournal.ts';
import { harmlessChanges, presentConfig, recordedRun } from './recordedConfig.ts';
import { requireSameReward } from './reward.ts';
import { printResult } from './show.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** Flags of `rzero resume` as given. */
export interface ResumeFlags {
  set?: string[];
}

/** `rzero resume`: go on with a run that was stopped, lost or failed. */
export function resumeCommand(name: string, { set = [] }: ResumeFlags, terminal: Terminal): Promise<void> {
  const folder = RunFolder.open(name, resolve(terminal.workingFolder, name));
  return resumeRun(folder, name, (recorded) => presentConfig(folder, name, recorded, set), terminal);
}

/**
 * Go on with a run from what its folder holds.
 *
 * @param name the run's folder as it was typed
 * @param present the configuration to go on with, by that on record
 * @throws ConfigError where it would be another run; JournalError; what the run ends with
 */
export async function resumeRun(
  folder: RunFolder,
  name: string,
  present: (recorded: Config) => Config,
  terminal: Terminal,
): Promise<void> {
  const journal = await openJournal(folder, terminal);
  try {
    const { entries } = journal;
    const recorded = recordedRun(entries, name);
    const config = present(recorded.config);
    const { workingFolder } = recorded;
    const changes = harmlessChanges(name, recorded.config, config);
    await requireSameReward(recorded.rewardModule, config, workingFolder, name);
    const last = entries.findLast(({ type }) => type === 'end' || type === 'phase' || type === 'undone');
    if (last?.type === 'end' && last.how === 'finished' && changes.length === 0 && folder.has('summary.json')) {
      terminal.err(`Run ${name} is finished.\n\n`);
      printResult(folder.readDocument<RunSummary>('summary.json'), name, terminal);
      return;
    }
    const placed = await placeWorkers(config, { ...terminal, workingFolder });
    const done = entries.filter(({ type }) => type === 'done').length;
    terminal.err(`Attempt ${journal.attempt} at ${name}, with ${plural(done, 'phases')} done before.\n`);
    if (journal.begunBy !== VERSION) {
      terminal.err(`It was begun by rzero ${journal.begunBy}; this is ${VERSION}, which may compute otherwise.\n`);
    }
    for (const wreck of wrecksIn(folder.path)) folder.remove(wreck);
    // The file first: where this is cut short, the change is found again.
    if (changes.length > 0 || !folder.has('config.yml')) folder.writeText('config.yml', formatConfig(config));
    if (changes.length > 0) {
      terminal.err(`Changed since:\n${describeChanges(changes)}\n`);
      journal.append({ ...recorded, config }, true);
    }
    await conduct(config, placed, folder, name, terminal, (experiment) =>
      attemptRun({ ...experiment, workingFolder }, journal),
    );
  } finally {
    journal.close();
  }
}
