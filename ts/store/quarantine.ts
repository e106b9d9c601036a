import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Put something aside that is of no use where it is, and may tell what happened: under `quarantine/` in the run's folder,
 * its name with dashes and a number that was free.
 *
 * @param run the run's folder
 * @param name what it is called, `/`-separated
 * @param path where it is
 * @throws an error of the file system
 */
export function putAside(run: string, name: string, path: string): void {
  const aside = join(run, 'quarantine', name.replaceAll('/', '-'));
  mkdirSync(join(run, 'quarantine'), { recursive: true });
  let number = 1;
  while (existsSync(`${aside}-${number}`)) number += 1;
  renameSync(path, `${aside}-${number}`);
}
