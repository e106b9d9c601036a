import { type StatsFs, statfsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What is free in a folder. */
export interface FreeSpace {
  folder: string;
  /** That a process without privileges may take; quotas are not known. */
  bytes: number;
}

/**
 * What is free where a path is, or is going to be: in it, or in its nearest parent that is a folder.
 *
 * @returns undefined where that cannot be found out
 */
export function freeSpace(
  path: string,
  stat: (folder: string) => Pick<StatsFs, 'bavail' | 'bsize'> = statfsSync,
): FreeSpace | undefined {
  let folder = resolve(path);
  while (!isFolder(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    const { bavail, bsize } = stat(folder);
    return { folder, bytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
