import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { atPath } from './atPath.ts';
import { flushFolder } from './files.ts';

/**
 * A file that is written piece by piece and appears under its name when all is there: until
 * {@link PendingFile.finish} a reader sees the old file or none.
 */
export class PendingFile {
  private readonly path: string;
  private readonly temporary: string;
  private readonly hash = createHash('sha256');
  private handle: number | undefined;
  private sha256 = '';

  /** @throws an error of the file system */
  constructor(path: string) {
    this.path = path;
    this.temporary = `${path}.tmp`;
    mkdirSync(dirname(path), { recursive: true });
    this.handle = openSync(this.temporary, 'w');
  }

  /** Neither finished nor discarded. */
  get isOpen(): boolean {
    return this.handle !== undefined;
  }

  /** @throws an error of the file system */
  append(bytes: Uint8Array): void {
    // One write may be cut short, by a disk that is nearly full, say, and that is no error.
    atPath(this.path, () => {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.handle as number, bytes, at);
    });
    this.hash.update(bytes);
  }

  /**
   * All is there.
   *
   * @returns the SHA-256 (hex) of all that was appended; '' where it was discarded
   * @throws an error of the file system; the old file then stays
   */
  finish(): string {
    const { handle } = this;
    if (handle === undefined) return this.sha256;
    atPath(this.path, () => fsyncSync(handle));
    renameSync(this.temporary, this.path);
    closeSync(handle);
    this.handle = undefined;
    flushFolder(dirname(this.path));
    this.sha256 = this.hash.digest('hex');
    return this.sha256;
  }

  /** What is not finished goes; afterwards nothing is left to do. */
  discard(): void {
    if (this.handle === undefined) return;
    closeSync(this.handle);
    this.handle = undefined;
    rmSync(this.temporary, { force: true });
  }
}
