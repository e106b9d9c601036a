import { resolve } from 'node:path';
import { columns, plural, size } from '../report/text.ts';
import { type Garbage, garbageIn } from '../store/garbage.ts';
import { readJournal } from '../store/journal.ts';
import { realTime, untilFree } from '../store/lease.ts';
import { RunFolder } from '../store/runFolder.ts';
import { openJournal } from './openJournal.ts';
import { recordedRun } from './recordedConfig.ts';
import type { Terminal } from './terminal.ts';

/**
 * `rzero gc`: free what of a run neither going on nor its settings need. Without `--delete` it is only said.
 *
 * @throws RunFolderError where there is no run; JournalError where somebody has it, or its journal is damaged
 */
export async function gcCommand(name: string, flags: { delete?: true }, terminal: Terminal): Promise<void> {
  const folder = RunFolder.open(name, resolve(terminal.workingFolder, name));
  const found = flags.delete ? await remove(folder, name, terminal) : await look(folder, name, terminal);
  const sum = found.reduce((total, { bytes }) => total + bytes, 0);
  if (found.length === 0) terminal.out(`${name}: nothing to free\n`);
  else {
    const end = flags.delete ? 'freed' : 'can be freed: rzero gc --delete does it';
    terminal.out(`${[...table(found), `${plural(found.length, 'things')}, ${size(sum)} ${end}`].join('\n')}\n`);
  }
}

async function look(folder: RunFolder, name: string, terminal: Terminal): Promise<Garbage[]> {
  const { entries, attempts } = readJournal(folder.path);
  const holder = attempts.at(-1);
  const onWait = (message: string): void => terminal.err(`${message}\n`);
  if (holder !== undefined) await untilFree(folder.path, holder, realTime, { signal: terminal.signal, onWait });
  return garbageIn(folder.path, entries, recordedRun(entries, name).config);
}

/** As an attempt of its own, so that nobody goes on with the run meanwhile. */
async function remove(folder: RunFolder, name: string, terminal: Terminal): Promise<Garbage[]> {
  const journal = await openJournal(folder, terminal);
  try {
    const found = garbageIn(folder.path, journal.entries, recordedRun(journal.entries, name).config);
    for (const garbage of found) folder.remove(garbage.name);
    return found;
  } finally {
    journal.close();
  }
}

/** A line for each thing; objects, which are many, by why they are not needed. */
function table(found: readonly Garbage[]): string[] {
  const groups = new Map<string, Garbage[]>();
  for (const garbage of found) {
    const key = garbage.name.startsWith('objects/') ? garbage.why : garbage.name;
    groups.set(key, [...(groups.get(key) ?? []), garbage]);
  }
  const rows = [...groups.values()].map((group) => {
    const [{ name, why }] = group as [Garbage];
    const bytes = group.reduce((total, one) => total + one.bytes, 0);
    return [name.startsWith('objects/') ? plural(group.length, 'objects') : name, size(bytes), why];
  });
  return columns(rows, [1]);
}
