import { closeSync, openSync, writeSync } from 'node:fs';

/** What a log is written with; tests pass others. Each throws an error of the file system. */
export interface LogFiles {
  open(path: string): number;
  write(handle: number, bytes: Uint8Array, offset: number): number;
  close(handle: number): void;
}

const realFiles: LogFiles = { open: (path) => openSync(path, 'a'), write: writeSync, close: closeSync };

/**
 * The file that what a process prints is appended to. It is for people alone: where it cannot be written, whoever
 * prints goes on without it.
 */
export class ProcessLog {
  private readonly path: string;
  private readonly onTrouble: (message: string) => void;
  private readonly files: LogFiles;
  /** Undefined where nothing is written any more. */
  private handle: number | undefined;

  /** @param onTrouble told when it cannot be written; what is printed from then on is not in it */
  constructor(path: string, onTrouble: (message: string) => void, files = realFiles) {
    this.path = path;
    this.onTrouble = onTrouble;
    this.files = files;
    try {
      this.handle = files.open(path);
    } catch (error) {
      this.giveUp(error);
    }
  }

  append(bytes: Uint8Array): void {
    const { handle } = this;
    if (handle === undefined) return;
    try {
      // One write may be cut short, by a disk that is nearly full, say, and that is no error.
      for (let at = 0; at < bytes.length; ) at += this.files.write(handle, bytes, at);
    } catch (error) {
      this.close();
      this.giveUp(error);
    }
  }

  close(): void {
    const { handle } = this;
    this.handle = undefined;
    try {
      if (handle !== undefined) this.files.close(handle);
    } catch {
      // Some file systems say only now that something could not be written.
    }
  }

  private giveUp(error: unknown): void {
    this.onTrouble(`${this.path} cannot be written, so nothing more is logged there: ${(error as Error).message}`);
  }
}
