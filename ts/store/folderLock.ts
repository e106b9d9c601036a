import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, type ProcessIdentity, thisProcess } from './processIdentity.ts';

/** A folder that another process works in. */
export class FolderHeld extends Error {
  override readonly name = 'FolderHeld';
  readonly code = 'folder_held';
}

interface Holder extends ProcessIdentity {
  /** Whether it has given the folder back. */
  released: boolean;
}

const LOCK = /^lock-(\d{6})\.json$/;

/**
 * Holds a folder for one process: by a file with its identity, whose number is one above that of the last holder. A number
 * can be had once, so of two that come at a time one is refused; one that is dead, or has given the folder back, is
 * followed.
 */
export class FolderLock {
  private readonly path: string;
  private readonly holder: ProcessIdentity;

  /**
   * @param folder made where it is not there
   * @param name what errors call it
   * @throws FolderHeld where another process has it, or one that cannot be seen from here had it last; an error of the
   *   file system
   */
  constructor(folder: string, name: string) {
    mkdirSync(folder, { recursive: true });
    const last = numbersIn(folder).at(-1) ?? 0;
    if (last > 0) requireFree(join(folder, fileOf(last)), name);
    this.path = join(folder, fileOf(last + 1));
    this.holder = thisProcess();
    try {
      closeSync(openSync(this.path, 'wx'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      throw new FolderHeld(`${name} was taken by another process just now`);
    }
    this.write(false);
    const numbers = numbersIn(folder);
    if (numbers.at(-1) !== last + 1) {
      rmSync(this.path, { force: true });
      throw new FolderHeld(`${name} was taken by another process just now`);
    }
    for (const number of numbers.slice(0, -1)) rmSync(join(folder, fileOf(number)), { force: true });
  }

  /** Give the folder back. */
  release(): void {
    this.write(true);
  }

  private write(released: boolean): void {
    writeFileSync(this.path, `${JSON.stringify({ ...this.holder, released } satisfies Holder)}\n`);
  }
}

/** Whether a file of the folder is one of these. */
export function isLock(name: string): boolean {
  return LOCK.test(name);
}

function fileOf(number: number): string {
  return `lock-${String(number).padStart(6, '0')}.json`;
}

/** Ascending. */
function numbersIn(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => Number(LOCK.exec(name)?.[1] ?? []))
    .sort((a, b) => a - b);
}

function requireFree(path: string, name: string): void {
  const holder = readHolder(path);
  if (holder === undefined) {
    throw new FolderHeld(`${name} is being taken by another process; where that is gone for certain, remove ${path}`);
  }
  if (holder.released) return;
  const alive = isAlive(holder);
  if (alive === false) return;
  const who = `process ${holder.pid} on ${holder.host}`;
  throw new FolderHeld(
    alive
      ? `${name} is held by ${who}; stop that first, or choose another folder with --out`
      : `${name} is held by ${who}, which cannot be seen from here; where it is gone for certain, remove ${path}`,
  );
}

/** Undefined where its process has not written yet who it is. */
function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}
