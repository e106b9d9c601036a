import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Storable } from '../ports/journal.ts';
import { type FileSystem, flushPath, realFileSystem, replaceFile } from './fileSystem.ts';
import { decodeObject, encodeObject, nameOf } from './objectFormat.ts';
import { putAside } from './quarantine.ts';

/**
 * Objects under the SHA-256 of their content: `objects/ab/abcd...`. One that is there is what its name says, or it is
 * found out to be damaged when it is read.
 */
export class ObjectStore {
  private readonly run: string;
  private readonly files: FileSystem;
  /** Files that later decisions rest upon, and whether they are known to survive the loss of power. */
  private readonly flushed = new Map<string, boolean>();

  /** @param run the run's folder */
  constructor(run: string, files = realFileSystem) {
    this.run = run;
    this.files = files;
  }

  /** See Journal.put. An object that is there already is not written again. */
  put(value: Storable): string {
    const parts = encodeObject(value);
    const name = nameOf(parts);
    const path = this.path(name);
    const size = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
    if (statSync(path, { throwIfNoEntry: false })?.size !== size) {
      mkdirSync(dirname(path), { recursive: true });
      const temporary = `${path}.${process.pid}.tmp`;
      replaceFile(this.files, path, temporary, parts);
      this.flushed.set(path, false);
    }
    this.use(path);
    return name;
  }

  /** See Journal.get. A damaged object is put aside, so that it is made anew when it is put again. */
  get<T extends Storable>(name: string): T | undefined {
    if (!isName(name)) return undefined;
    const path = this.path(name);
    const bytes = readWhole(path);
    if (bytes === undefined) return undefined;
    if (bytes === 'unreadable' || nameOf([bytes]) !== name) {
      putAside(this.run, `objects/${name}`, path);
      return undefined;
    }
    this.use(path);
    return decodeObject<T>(bytes);
  }

  /** An object for who only looks; undefined where it is not there, or is damaged. It is left as it is. */
  peek<T extends Storable>(name: string): T | undefined {
    const bytes = isName(name) ? readWhole(this.path(name)) : undefined;
    if (bytes === undefined || bytes === 'unreadable' || nameOf([bytes]) !== name) return undefined;
    return decodeObject<T>(bytes);
  }

  /** What is wrong with an object, or undefined; it is left as it is. */
  damageOf(name: string): 'absent' | 'damaged' | undefined {
    const bytes = isName(name) ? readWhole(this.path(name)) : undefined;
    if (bytes === undefined) return 'absent';
    return bytes === 'unreadable' || nameOf([bytes]) !== name ? 'damaged' : undefined;
  }

  /** See Journal.digest. */
  digest(value: Storable): string {
    return nameOf(encodeObject(value));
  }

  /** Make all that was put or read survive the loss of power. @throws an error of the file system */
  flush(): void {
    const pending = [...this.flushed].flatMap(([path, flushed]) => (flushed ? [] : [path]));
    const folders = new Set<string>();
    for (const path of pending) {
      // One that nothing needs any more may be gone.
      if (!existsSync(path)) continue;
      flushPath(this.files, path);
      folders.add(dirname(path));
    }
    for (const folder of folders) flushPath(this.files, folder);
    if (folders.size > 0) flushPath(this.files, join(this.run, 'objects'));
    for (const path of pending) this.flushed.set(path, true);
  }

  /** An object that an earlier attempt put may not have been flushed before that was lost. */
  private use(path: string): void {
    if (!this.flushed.has(path)) this.flushed.set(path, false);
  }

  private path(name: string): string {
    return join(this.run, objectFile(name));
  }
}

/** The file of an object, relative to the run. */
export function objectFile(name: string): string {
  return `objects/${name.slice(0, 2)}/${name}`;
}

function isName(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Undefined where it is not there. */
function readWhole(path: string): Buffer | 'unreadable' | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // A disk that cannot give its bytes back has damaged them.
    if (code === 'EIO') return 'unreadable';
    throw error;
  }
}
