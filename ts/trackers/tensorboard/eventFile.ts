import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalEntry } from '../../ports/journal.ts';
import { livingEntries } from '../../store/metricsFile.ts';
import type { PhaseSteps } from '../points.ts';
import { type EntryEvents, entryEvents, runEvents, stepsOf, type Trail } from './runEvents.ts';
import { tfRecord } from './tfRecord.ts';

/** Folder of the event files, in a run's. */
export const EVENT_FOLDER = 'tensorboard';

/** While a file is made it has no name that TensorBoard looks for. */
const UNFINISHED = 'unfinished';

const EVENT_FILE = /^events\.out\.tfevents\.(\d+)\.rzero$/;

/**
 * `tensorboard/events.out.tfevents.N.rzero`: the figures of a run for TensorBoard, a projection of its journal like
 * metrics.jsonl. One file holds all; it grows with the journal, and where that takes something back (a step that is made
 * again, a phase that is undone, a new attempt) it is made anew. So no point stands there twice, and programs that know
 * nothing of TensorBoard's session logs read it rightly. The new file has a greater number and begins with a session
 * start at step 0, at which a TensorBoard that is looking on forgets what it had from the old one. The old one stays, empty:
 * who was reading it when it went would never come to the next.
 *
 * Nothing waits for it, and it never fails: where it cannot be written the run goes on, and it is made when it can be.
 */
export class EventFile {
  private readonly run: string;
  private readonly trail: Trail;
  private readonly onTrouble: (message: string) => void;
  private working: Promise<void> | undefined;
  /** Entries that have been seen to. */
  private seen = 0;
  /** Undefined where there is no file that says what the entries say. */
  private file: Made | undefined;
  private told = false;

  /**
   * @param run the run's folder
   * @param trail its journal; what it was asked to do is on record
   * @param onTrouble told once when the file cannot be written
   */
  constructor(run: string, trail: Trail, onTrouble: (message: string) => void) {
    this.run = run;
    this.trail = trail;
    this.onTrouble = onTrouble;
  }

  /** There may be more on record. Returns at once. */
  catchUp(): void {
    this.working ??= this.work();
  }

  /** Wait until all that is on record is written, or cannot be. Never rejects. */
  async settle(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    // Whoever appended to the journal goes on first.
    await Promise.resolve();
    const { entries, times } = this.trail;
    try {
      while (this.seen < entries.length || this.file === undefined) {
        const end = entries.length;
        const grown = this.file && (await this.growth(this.file, end));
        if (this.file === undefined || grown === undefined || !(await append(this.file, grown))) {
          this.file = await makeEventFile(this.run, { entries: entries.slice(0, end), times });
        }
        this.seen = end;
      }
      this.told = false;
    } catch (error) {
      this.file = undefined;
      if (!this.told) this.onTrouble(`TensorBoard's file cannot be written: ${(error as Error).message}`);
      this.told = true;
    } finally {
      this.working = undefined;
    }
  }

  /** Events of the entries that were not seen yet; undefined where they do not simply come after what is there. */
  private async growth({ step, steps, keys }: Made, end: number): Promise<EntryEvents[] | undefined> {
    const found: EntryEvents[] = [];
    for (let index = this.seen; index < end; index++) {
      const entry = this.trail.entries[index] as JournalEntry;
      if (entry.type === 'undone' || entry.type === 'run') return undefined;
      const one = await entryEvents(this.run, this.trail, index, steps);
      if (one.events.length === 0) continue;
      const key = keyOf(entry);
      if (one.step < (found.at(-1)?.step ?? step) || keys.has(key)) return undefined;
      keys.add(key);
      found.push(one);
    }
    return found;
  }
}

/** A file that was made. */
interface Made {
  path: string;
  /** In bytes. */
  size: number;
  /** Of its last event. */
  step: number;
  steps: PhaseSteps;
  /** Of the entries that are in it. */
  keys: Set<string>;
}

/** @returns false where the file is not as it was left: `rzero track` makes it anew too */
async function append(file: Made, grown: readonly EntryEvents[]): Promise<boolean> {
  if (grown.length === 0) return true;
  // Not made where it is gone: what was in it would be missing.
  const handle = await open(file.path, constants.O_WRONLY | constants.O_APPEND);
  try {
    if ((await handle.stat()).size !== file.size) return false;
    const bytes = bytesOf(grown);
    await handle.appendFile(bytes);
    file.size += bytes.length;
  } finally {
    await handle.close();
  }
  file.step = grown.at(-1)?.step ?? file.step;
  return true;
}

/**
 * Make the file of a run anew from its journal, in the place of those that are there.
 *
 * @param trail what the run was asked to do is on record
 * @throws an error of the file system
 */
export async function makeEventFile(run: string, trail: Trail): Promise<Made> {
  const folder = join(run, EVENT_FOLDER);
  await mkdir(folder, { recursive: true });
  const events = await runEvents(run, trail);
  const bytes = bytesOf(events);
  const before = (await readdir(folder)).filter((name) => EVENT_FILE.test(name));
  const newest = Math.max(0, ...before.map((name) => Number(EVENT_FILE.exec(name)?.[1])));
  // TensorBoard reads files in the order of their names, which by custom begin with a time.
  const number = Math.max(newest + 1, Math.floor((trail.times[0] as number) / 1000));
  const path = join(folder, `events.out.tfevents.${number}.rzero`);
  const unfinished = join(folder, UNFINISHED);
  try {
    const handle = await open(unfinished, 'w');
    try {
      await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  for (const name of before) await truncate(join(folder, name));
  const keys = new Set(livingEntries(trail.entries).map((index) => keyOf(trail.entries[index] as JournalEntry)));
  return { path, size: bytes.length, step: events.at(-1)?.step ?? 0, steps: stepsOf(trail), keys };
}

function bytesOf(all: readonly EntryEvents[]): Buffer {
  return Buffer.concat(all.flatMap(({ events }) => events.map(tfRecord)));
}

/** Entries with the same key are of the same moment. */
function keyOf(entry: JournalEntry): string {
  const { iteration, phase, step } = entry as Partial<Extract<JournalEntry, { type: 'step' }>>;
  return `${entry.type} ${iteration} ${phase} ${step}`;
}
