import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** UTF-16 units that are held back before they are written. */
const BUFFER = 1 << 16;

/**
 * JSON lines that are written as they come and appear under their name when all are there: until
 * {@link LineFile.finish} a reader sees the old file or none.
 */
export class LineFile {
  private readonly path: string;
  private readonly temporary: string;
  private handle: number | undefined;
  private text = '';

  /** @throws an error of the file system */
  constructor(path: string) {
    this.path = path;
    this.temporary = `${path}.tmp`;
    mkdirSync(dirname(path), { recursive: true });
    this.handle = openSync(this.temporary, 'w');
  }

  add(record: object): void {
    this.text += `${JSON.stringify(record)}\n`;
    if (this.text.length >= BUFFER) this.flush();
  }

  /** All are there. @throws an error of the file system */
  finish(): void {
    if (this.handle === undefined) return;
    this.flush();
    fsyncSync(this.handle);
    closeSync(this.handle);
    this.handle = undefined;
    renameSync(this.temporary, this.path);
  }

  /** What is not finished goes; afterwards nothing is left to do. */
  discard(): void {
    if (this.handle === undefined) return;
    closeSync(this.handle);
    this.handle = undefined;
    rmSync(this.temporary, { force: true });
  }

  private flush(): void {
    const bytes = Buffer.from(this.text);
    this.text = '';
    // One write may be cut short, by a disk that is nearly full, say, and that is no error.
    for (let at = 0; at < bytes.length; ) at += writeSync(this.handle as number, bytes, at);
  }
}
