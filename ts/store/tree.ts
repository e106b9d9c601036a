import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Something in a folder. Links are not followed. */
export interface TreeEntry {
  /** Relative to the folder, `/`-separated. */
  name: string;
  isFolder: boolean;
}

/** What lies right in a folder, by name; nothing where it is gone. @param name of the folder below `path`, '' for itself */
export function entriesIn(path: string, name = ''): TreeEntry[] {
  try {
    return readdirSync(join(path, name), { withFileTypes: true })
      .map((entry) => ({ name: name === '' ? entry.name : `${name}/${entry.name}`, isFolder: entry.isDirectory() }))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** Bytes of a file, or of all files below a folder. */
export function bytesIn(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.size;
  return entriesIn(path).reduce((sum, { name }) => sum + bytesIn(join(path, name)), 0);
}
