import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal, JournalEntry, Storable } from '../ports/journal.ts';
import { atPath } from './atPath.ts';
import { type FileSystem, flushPath, realFileSystem, writeAll } from './fileSystem.ts';
import { JournalError } from './journalError.ts';
import { type Attempt, formatLine } from './journalLine.ts';
import { describeHolder, Heartbeat, type LeaseTime, realTime, untilFree } from './lease.ts';
import { MetricsFile } from './metricsFile.ts';
import { ObjectStore } from './objects.ts';
import { type ProcessIdentity, thisProcess } from './processIdentity.ts';
import {
  type Dated,
  newestHeader,
  type Past,
  readHeader,
  readSegments,
  segmentFile,
  segmentSizes,
} from './segments.ts';

export interface JournalOptions {
  /** The program's. */
  version: string;
  /** Ends the waiting for a holder that cannot be seen from here. */
  signal?: AbortSignal;
  /** Told what is being waited for. */
  onWait?: (message: string) => void;
  /** Told what goes wrong and does no harm: metrics.jsonl cannot be written. */
  onTrouble?: (message: string) => void;
  /** Takes secrets out of what entries say in words; it goes on record as it is unless given. */
  redact?: (text: string) => string;
  files?: FileSystem;
  time?: LeaseTime;
  /** Who takes the run; this process unless given. */
  self?: ProcessIdentity;
}

/** So long a process may take between making a segment and writing its first line. */
const HEADER_MILLISECONDS = 1_000;

/**
 * A run's journal as it is, without a claim to the run. It is read as far as it was written, also while it grows.
 *
 * @param hear told of each entry that counts, in order
 */
export function readJournal(run: string, hear?: (dated: Dated) => void): Past {
  return readSegments(run, hear);
}

/**
 * The journal of a run on disk, held for writing:
 *
 *     journal/0001.jsonl, ...   one segment an attempt; who makes the next one has the run
 *     objects/ab/abcd...        what entries name
 *     lease.json                whether whoever has the run lives
 *     metrics.jsonl             the figures, made from the entries
 *
 * No two processes ever write one segment, so no lock of the file system is needed. A segment says which line of an
 * earlier one it follows, and whatever a late writer appends behind that does not count.
 */
export class RunJournal implements Journal {
  /** The number of this attempt, from 1: the token that fences earlier ones off. */
  readonly attempt: number;
  /** A UUID of the run's. */
  readonly run: string;
  /** The version of the program that began the run. */
  readonly begunBy: string;
  /** What was found and put right, for people to see. */
  readonly notes: readonly string[];
  readonly entries: readonly JournalEntry[];
  /** When each entry was written: Unix milliseconds. For people; nothing is decided by it. */
  readonly times: readonly number[];
  private readonly folder: string;
  private readonly files: FileSystem;
  private readonly handle: number;
  private readonly objects: ObjectStore;
  private readonly metrics: MetricsFile;
  private readonly heartbeat: Heartbeat;
  private readonly grown: JournalEntry[];
  private readonly redact: (text: string) => string;
  private readonly grownTimes: number[];
  private onEntry = (): void => {};
  private previous: { hash: string; seq: number };
  private failure: unknown;
  private isOpen = true;

  /**
   * Take a run over, or begin one.
   *
   * @param folder the run's
   * @throws JournalError `run_held`, `fenced` where somebody else was faster, `damaged`; an error of the file system; the
   *   signal's reason
   */
  static async open(folder: string, options: JournalOptions): Promise<RunJournal> {
    const { files = realFileSystem, time = realTime } = options;
    let sizes = segmentSizes(folder);
    let past = readSegments(folder);
    if (past.newest > (past.attempts.at(-1)?.number ?? 0)) {
      // Who made that segment was lost before it wrote its header, or is writing it.
      await time.sleep(HEADER_MILLISECONDS, options.signal);
      sizes = segmentSizes(folder);
      past = readSegments(folder);
    }
    const holder = past.attempts.at(-1);
    if (holder !== undefined) await untilFree(folder, holder, time, options);
    mkdirSync(join(folder, 'journal'), { recursive: true });
    const number = past.newest + 1;
    const handle = takeOver(folder, number, files);
    try {
      // From here on nobody adds to an earlier segment, but somebody may have, while this one waited.
      const present = segmentSizes(folder);
      present.delete(number);
      if (JSON.stringify([...present]) !== JSON.stringify([...sizes])) past = readSegments(folder);
      const header = headerOf(number, past, options);
      const previous = { hash: header.after?.hash ?? '', seq: past.last?.seq ?? 0 };
      // What this attempt goes on from must survive as surely as what it writes.
      if (past.last !== undefined) flushPath(files, join(folder, segmentFile(past.last.attempt)));
      const { text, hash } = formatLine(stamp(previous.seq + 1), 'attempt', JSON.stringify(header), previous.hash);
      atPath(join(folder, segmentFile(number)), () => {
        writeAll(files, handle, Buffer.from(text));
        files.flush(handle);
      });
      flushPath(files, join(folder, 'journal'));
      flushPath(files, folder);
      const journal = new RunJournal(folder, header, past, { hash, seq: previous.seq + 1 }, handle, files, options);
      journal.requireHeld();
      return journal;
    } catch (error) {
      files.close(handle);
      throw error;
    }
  }

  private constructor(
    folder: string,
    header: Attempt,
    past: Past,
    previous: { hash: string; seq: number },
    handle: number,
    files: FileSystem,
    { onTrouble = () => {}, redact = (text) => text, time = realTime }: JournalOptions,
  ) {
    this.folder = folder;
    this.attempt = header.number;
    this.run = header.run;
    this.begunBy = past.attempts[0]?.version ?? header.version;
    this.notes = notesOf(past);
    this.grown = past.entries;
    this.entries = past.entries;
    this.grownTimes = past.times;
    this.times = past.times;
    this.previous = previous;
    this.handle = handle;
    this.files = files;
    this.redact = redact;
    this.objects = new ObjectStore(folder, files);
    this.metrics = new MetricsFile(folder, this.entries, onTrouble);
    this.heartbeat = new Heartbeat(folder, header, files, time, () => this.isFenced());
  }

  append(entry: JournalEntry, durable = false): void {
    if (this.failure !== undefined) throw this.failure;
    const json = JSON.stringify(this.withoutSecrets(entry));
    const stamped = stamp(this.previous.seq + 1);
    try {
      this.requireHeld();
      if (durable) this.objects.flush();
      const { text, hash } = formatLine(stamped, 'entry', json, this.previous.hash);
      this.atSegment(() => {
        writeAll(this.files, this.handle, Buffer.from(text));
        if (durable) this.files.flush(this.handle);
      });
      this.previous = { hash, seq: this.previous.seq + 1 };
    } catch (error) {
      // Half a line may stand there now, and what stands behind one is lost: nothing is acknowledged any more.
      this.failure = error;
      throw error;
    }
    // As a later attempt reads it.
    const recorded = JSON.parse(json) as JournalEntry;
    this.grown.push(recorded);
    this.grownTimes.push(Date.parse(stamped.at));
    this.metrics.add(recorded);
    this.onEntry();
  }

  /** Have somebody told of each entry when it is on record. @param onEntry must not throw */
  follow(onEntry: () => void): void {
    this.onEntry = onEntry;
  }

  put(value: Storable): string {
    return this.objects.put(value);
  }

  get<T extends Storable>(name: string): T | undefined {
    return this.objects.get<T>(name);
  }

  digest(value: Storable): string {
    return this.objects.digest(value);
  }

  /** Give the run back; everything is safe on disk then. @throws an error of the file system */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { failure } = this;
    this.failure ??= new Error('the journal is closed');
    try {
      if (failure === undefined) {
        this.objects.flush();
        this.atSegment(() => this.files.flush(this.handle));
      }
    } finally {
      this.files.close(this.handle);
      this.heartbeat.release();
    }
  }

  /** Words may be a worker's, and repeat what it was given. All else is what the run computes by. */
  private withoutSecrets(entry: JournalEntry): JournalEntry {
    if ('message' in entry) return { ...entry, message: this.redact(entry.message) };
    if ('reason' in entry) return { ...entry, reason: this.redact(entry.reason) };
    return 'error' in entry && entry.error !== undefined ? { ...entry, error: this.redact(entry.error) } : entry;
  }

  private atSegment(action: () => void): void {
    atPath(join(this.folder, segmentFile(this.attempt)), action);
  }

  private isFenced(): boolean {
    return existsSync(join(this.folder, segmentFile(this.attempt + 1)));
  }

  private requireHeld(): void {
    if (!this.isFenced()) return;
    const next = newestHeader(this.folder);
    const by =
      next === undefined || next.attempt.number <= this.attempt
        ? 'another attempt'
        : describeHolder({ ...next.attempt, at: next.at });
    throw new JournalError('fenced', `the run is being continued by ${by}; this attempt, ${this.attempt}, ends here`);
  }
}

/** Make the next segment: the lease. */
function takeOver(folder: string, number: number, files: FileSystem): number {
  try {
    return files.open(join(folder, segmentFile(number)), 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = readHeader(folder, number);
    const by = other === undefined ? 'another process' : describeHolder({ ...other.attempt, at: other.at });
    throw new JournalError('run_held', `the run was taken over a moment ago by ${by}`);
  }
}

function headerOf(number: number, { run, last }: Past, { version, self = thisProcess() }: JournalOptions): Attempt {
  return {
    number,
    run: run === '' ? randomUUID() : run,
    ...self,
    version,
    after: last === undefined ? null : { attempt: last.attempt, lines: last.lines, hash: last.hash },
  };
}

function stamp(seq: number): { seq: number; at: string } {
  return { seq, at: new Date().toISOString() };
}

function notesOf({ torn }: Past): string[] {
  if (torn === undefined) return [];
  const { file, line, bytes } = torn;
  return [`${file}: line ${line} was being written when the last attempt was lost; its ${bytes} bytes do not count`];
}
