import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveBlock } from '../report/liveBlock.ts';
import type { StatusDocument } from '../status/document.ts';
import { pulseOf } from '../status/pulse.ts';
import { readStatus } from '../status/read.ts';
import { renderStatus, statusLine } from '../status/render.ts';
import { RunFolder } from '../store/runFolder.ts';
import type { Terminal } from './terminal.ts';

/** Flags of `rzero status` as given. */
export interface StatusFlags {
  json?: true;
  watch?: true;
}

/** Milliseconds between two looks at a run that is being watched. */
const LOOK = 1_000;

/**
 * `rzero status`: how a run stands, by its journal alone; nothing is written.
 *
 * @param look milliseconds between two looks, where it is watched
 * @throws RunFolderError where there is no run; JournalError for a damaged journal
 */
export async function statusCommand(name: string, flags: StatusFlags, terminal: Terminal, look = LOOK): Promise<void> {
  const run = RunFolder.open(name, resolve(terminal.workingFolder, name)).path;
  const { page, out, signal } = terminal;
  const show = (status: StatusDocument): string =>
    flags.json ? `${JSON.stringify(status, null, 2)}\n` : `${renderStatus(status, name, page).join('\n')}\n`;
  // Before the journal is read: what is written meanwhile is seen at the next look.
  let pulse = pulseOf(run);
  let status = readStatus(run);
  if (!flags.watch) {
    out(show(status));
    return;
  }
  const block = new LiveBlock(out, page.width);
  const isDrawn = page.live && !flags.json;
  const tell = (): void => {
    if (flags.json) out(`${JSON.stringify(status)}\n`);
    else if (isDrawn) block.draw(renderStatus(status, name, page));
    else out(`${statusLine(status)}\n`);
  };
  tell();
  while (isGoingOn(status)) {
    try {
      await sleep(look, undefined, { signal });
    } catch {
      return;
    }
    const now = pulseOf(run);
    if (now === pulse) continue;
    pulse = now;
    status = readStatus(run);
    tell();
  }
  if (!isDrawn && !flags.json) out(show(status));
}

function isGoingOn({ state }: StatusDocument): boolean {
  return state === 'running' || state === 'elsewhere';
}
