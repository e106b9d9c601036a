import { resolve } from 'node:path';
import { LiveBlock } from '../report/liveBlock.ts';
import { plural, shorten, size } from '../report/text.ts';
import { readJournal } from '../store/journal.ts';
import { describeHolder, holderState } from '../store/lease.ts';
import { RunFolder } from '../store/runFolder.ts';
import type { Past } from '../store/segments.ts';
import { type Verification, verifyRun } from '../store/verifyRun.ts';
import { EXIT } from './exitCodes.ts';
import { recordedRun } from './recordedConfig.ts';
import type { Terminal } from './terminal.ts';

/** Milliseconds between two pictures of how far it is. */
const REDRAW = 100;

/**
 * `rzero verify`: compare all that a run's journal names with what it was.
 *
 * @returns the exit code: 0 where all is intact, 65 where something is not
 * @throws RunFolderError where there is no run; JournalError for a damaged journal
 */
export async function verifyCommand(name: string, flags: { json?: true }, terminal: Terminal): Promise<number> {
  const folder = RunFolder.open(name, resolve(terminal.workingFolder, name));
  const past = readJournal(folder.path);
  const { config } = recordedRun(past.entries, name);
  const progress = progressOn(terminal);
  const { signal } = terminal;
  const found = await verifyRun(folder, past, config, { onBytes: progress.read, signal }).finally(progress.end);
  const notes = notesOf(folder, past);
  const intact = found.problems.length === 0;
  if (flags.json) terminal.out(`${JSON.stringify({ intact, ...found, bytes: progress.bytes(), notes }, null, 2)}\n`);
  else
    terminal.out(`${[...report(name, found, progress.bytes()), ...notes.map((note) => `Note: ${note}`)].join('\n')}\n`);
  return intact ? EXIT.ok : EXIT.badData;
}

function report(name: string, found: Verification, bytes: number): string[] {
  const { lines, objects, records, checkpoints, models, problems } = found;
  const looked = [
    plural(lines, 'lines'),
    plural(objects, 'objects'),
    plural(records, 'records'),
    plural(checkpoints, 'checkpoints'),
    plural(models, 'models'),
  ];
  return [
    ...problems.map(({ name: file, problem, effect }) => `${file} ${problem}: ${effect}`),
    `${name}: ${problems.length === 0 ? 'intact' : plural(problems.length, 'problems')} in ${looked.join(', ')} (${size(bytes)})`,
  ];
}

function notesOf(folder: RunFolder, { attempts, torn, late }: Past): string[] {
  const holder = attempts.at(-1);
  return [
    ...(holder !== undefined && holderState(folder.path, holder) === 'lives'
      ? [`the run is going on (${describeHolder(holder)}): what it is writing may look damaged`]
      : []),
    ...(torn === undefined
      ? []
      : [`${torn.file}, line ${torn.line} was being written when an attempt was lost; it does not count`]),
    ...(late === 0 ? [] : [`${plural(late, 'lines')} of attempts that were lost or replaced do not count`]),
  ];
}

/** Shows on a terminal how much was read. */
function progressOn({ screen, err }: Terminal) {
  const block = new LiveBlock(err, screen.width);
  let total = 0;
  let drawn = 0;
  return {
    read: (bytes: number, name: string): void => {
      total += bytes;
      if (!screen.live || performance.now() - drawn < REDRAW) return;
      drawn = performance.now();
      block.draw([shorten(`${size(total)} read, now ${name}`, screen.width())]);
    },
    end: (): void => {
      if (drawn > 0) block.draw([]);
    },
    bytes: (): number => total,
  };
}
