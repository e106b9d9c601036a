import { RunJournal } from '../store/journal.ts';
import type { RunFolder } from '../store/runFolder.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/** Take a run over, and say what that takes. */
export function openJournal(folder: RunFolder, _name: string, _terminal: Terminal): Promise<RunJournal> {
  return RunJournal.open(folder.path, { version: VERSION });
}
