import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { atPath } from './atPath.ts';

/** What the journal and its objects are written with; tests pass one that fails. Each throws an error of the file system. */
export interface FileSystem {
  open(path: string, flags: 'r' | 'w' | 'wx'): number;
  /** May write less than it is given. @returns how many bytes it wrote, from `offset` on */
  write(handle: number, bytes: Uint8Array, offset: number): number;
  flush(handle: number): void;
  close(handle: number): void;
  rename(from: string, to: string): void;
}

export const realFileSystem: FileSystem = {
  open: (path, flags) => openSync(path, flags),
  write: (handle, bytes, offset) => writeSync(handle, bytes, offset),
  flush: fsyncSync,
  close: closeSync,
  rename: renameSync,
};

/** Write all of some bytes: one write may be cut short, by a disk that is nearly full, say, and that is no error. */
export function writeAll(files: FileSystem, handle: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += files.write(handle, bytes, at);
}

/** Make a file or folder survive the loss of power. */
export function flushPath(files: FileSystem, path: string): void {
  const handle = files.open(path, 'r');
  try {
    atPath(path, () => files.flush(handle));
  } finally {
    files.close(handle);
  }
}

/**
 * Write a file whole or not at all, by a temporary name; it may be lost with the power until it is flushed.
 *
 * @throws an error of the file system; nothing is left under the temporary name then
 */
export function replaceFile(files: FileSystem, path: string, temporary: string, parts: readonly Uint8Array[]): void {
  try {
    writeTemporary(files, path, temporary, parts);
    files.rename(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function writeTemporary(files: FileSystem, path: string, temporary: string, parts: readonly Uint8Array[]): void {
  const handle = files.open(temporary, 'w');
  try {
    atPath(path, () => {
      for (const part of parts) writeAll(files, handle, part);
    });
  } finally {
    files.close(handle);
  }
}
