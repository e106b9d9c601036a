import { redactorFor } from '../secrets/environment.ts';
import { RunJournal } from '../store/journal.ts';
import type { RunFolder } from '../store/runFolder.ts';
import type { Terminal } from './terminal.ts';
import { VERSION } from './version.ts';

/**
 * Take a run over, and say what that takes, and what was found.
 *
 * @throws JournalError; an error of the file system; what the terminal was told to stop with
 */
export async function openJournal(folder: RunFolder, terminal: Terminal): Promise<RunJournal> {
  const say = (message: string): void => terminal.err(`${message}\n`);
  const { signal } = terminal;
  const redact = redactorFor(terminal.env);
  const journal = await RunJournal.open(folder.path, { version: VERSION, signal, redact, onWait: say, onTrouble: say });
  for (const note of journal.notes) say(note);
  return journal;
}
