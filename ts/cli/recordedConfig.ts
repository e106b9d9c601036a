import { type Change, changesBetween, describeChanges, isHarmless } from '../config/changes.ts';
import { ConfigError } from '../config/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { JournalEntry } from '../ports/journal.ts';
import { type RunFolder, RunFolderError } from '../store/runFolder.ts';

export type RunEntry = Extract<JournalEntry, { type: 'run' }>;

/** What a run was asked to do, as its journal has it last. @throws RunFolderError where it says nothing */
export function recordedRun(entries: readonly JournalEntry[], name: string): RunEntry & { config: Config } {
  const entry = entries.findLast((one): one is RunEntry => one.type === 'run');
  if (entry === undefined) {
    const message = `run ${name} was lost before its configuration was on record: nothing was done yet, start it anew`;
    throw new RunFolderError('not_a_run', message);
  }
  // Through the schema, which may know options that the program did not that began the run.
  return {
    ...entry,
    config: loadConfig({ file: { name: `the journal of ${name}`, text: JSON.stringify(entry.config) } }),
  };
}

/**
 * The configuration to go on with: what config.yml says now, with `sets` over it; where there is none, what the journal
 * says.
 *
 * @throws ConfigError for a file that cannot be read
 */
export function presentConfig(folder: RunFolder, name: string, recorded: Config, sets: readonly string[]): Config {
  const file = `${name}/config.yml`;
  const text = folder.has('config.yml') ? folder.readText('config.yml') : JSON.stringify(recorded);
  try {
    return loadConfig({ file: { name: file, text }, sets });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(`${error.message}\n(without ${file} the run goes on with the configuration in its journal)`);
  }
}

/**
 * What is otherwise than on record, all of it harmless.
 *
 * @throws ConfigError with all changes, where one would change what the run computes
 */
export function harmlessChanges(name: string, before: Config, after: Config): Change[] {
  const changes = changesBetween(before, after);
  const harmful = changes.filter((change) => !isHarmless(change, before, after));
  if (harmful.length === 0) return changes;
  throw new ConfigError(
    `run ${name} was begun with another configuration:\n${describeChanges(harmful)}\n` +
      `It would not be the same run. Take the changes back, start a run of its own (--out), or fork this one: ` +
      `rzero fork ${name} --at iteration:K --set ${harmful[0]?.option}=...`,
  );
}
