import type { FileMark, ModelMark } from './journal.ts';

/** JSON lines that are written as they come, and appear under their name when all are there. */
export interface RecordFile {
  add(record: object): void;
  /** All are there. @returns what the file is now */
  finish(): FileMark;
  /** What is not finished goes; after `finish` there is nothing to do. */
  discard(): void;
}

/** Where a run leaves what it made. Names are relative, `/`-separated; the loop knows no path. */
export interface RunStore {
  /** Write JSON lines under a name, whole or not at all. */
  writeRecords(name: string, records: Iterable<object>): FileMark;
  /** Begin to write JSON lines under a name. */
  openRecords(name: string): RecordFile;
  /** The path of a folder for a model that is to be written: what an earlier attempt left there is put aside. */
  emptyFolder(name: string): string;
  /** The path of a model's folder, to be handed to the worker unread. */
  folder(name: string): string;
  /** Whether there is a file or folder of that name. */
  has(name: string): boolean;
  /** Whether a file is there and is what it was. */
  holds(file: FileMark): boolean;
  /** What is wrong with a model's folder, or undefined where all its files are there and are what they were. */
  damageOf(model: ModelMark): string | undefined;
  /** Free what neither going on nor the settings need any more: checkpoints, recorded answers, models. */
  tidy(): void;
}
