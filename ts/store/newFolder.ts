import { randomBytes } from 'node:crypto';
import { constants, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { flushPath, realFileSystem } from './fileSystem.ts';
import { flushFolder, writeWhole } from './files.ts';
import { entriesIn } from './tree.ts';

/**
 * A folder that appears under its name when all is in it: it is written beside its place, flushed to disk, then renamed.
 * What a writer that was killed left there is removed by the next one.
 */
export class NewFolder {
  /** Where it is written. */
  readonly path: string;
  private readonly target: string;

  /** @throws an error of the file system */
  constructor(target: string) {
    this.target = resolve(target);
    const [above, name] = [dirname(this.target), basename(this.target)];
    mkdirSync(above, { recursive: true });
    for (const entry of readdirSync(above)) {
      if (isDraftOf(name, entry)) rmSync(join(above, entry), { recursive: true, force: true });
    }
    this.path = join(above, `.${name}.${randomBytes(4).toString('hex')}.partial`);
    mkdirSync(this.path);
  }

  /**
   * Put a file of somewhere else into it, as a copy that shares its blocks on disk where the file system can do that.
   *
   * @param name relative, `/`-separated
   * @throws an error of the file system
   */
  async copy(from: string, name: string): Promise<void> {
    await copyFile(from, this.prepare(name), constants.COPYFILE_FICLONE);
  }

  /**
   * The same as a second name of the very file, where the file system can: for a folder that nobody writes to, since
   * what is written to one is written to the other.
   */
  async link(from: string, name: string): Promise<void> {
    try {
      linkSync(from, this.prepare(name));
    } catch {
      await this.copy(from, name);
    }
  }

  write(name: string, text: string): void {
    writeWhole(join(this.path, name), text);
  }

  /**
   * All is there. What has the place, if anything, goes.
   *
   * @throws an error of the file system
   */
  finish(): void {
    flushTree(this.path);
    const old = `${this.path.slice(0, -'.partial'.length)}.old.partial`;
    const taken = existsSync(this.target);
    if (taken) renameSync(this.target, old);
    try {
      renameSync(this.path, this.target);
    } catch (error) {
      if (taken) renameSync(old, this.target);
      throw error;
    }
    flushFolder(dirname(this.target));
    if (taken) rmSync(old, { recursive: true, force: true });
  }

  /** What is not finished goes; afterwards nothing is left to do. */
  discard(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  private prepare(name: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }
}

function isDraftOf(name: string, entry: string): boolean {
  return entry.startsWith(`.${name}.`) && /^[0-9a-f]{8}(\.old)?\.partial$/.test(entry.slice(name.length + 2));
}

function flushTree(path: string): void {
  for (const { name, isFolder } of entriesIn(path)) {
    if (isFolder) flushTree(join(path, name));
    else flushPath(realFileSystem, join(path, name));
  }
  flushFolder(path);
}
