import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ModelMark } from '../ports/journal.ts';
import { sha256Of } from './sha256.ts';

/** The format of py_worker/rzero_worker/manifest.py: the other files of a model's folder, by name. */
interface Manifest {
  format: 1;
  files: Record<string, { bytes: number; sha256: string }>;
}

/**
 * Compares models with what their manifests say. What was hashed once is not hashed again: files are looked at and
 * measured each time, and read the first time.
 */
export class ModelCheck {
  private readonly pathOf: (name: string) => string;
  private readonly verified = new Set<string>();

  /** @param pathOf the path of a file of the run, by its name */
  constructor(pathOf: (name: string) => string) {
    this.pathOf = pathOf;
  }

  /**
   * What is wrong with a model's folder, and with which file of it; undefined where all is as it was.
   *
   * @param onBytes told how many bytes were read since it was told last
   * @throws RunFolderError for a manifest with names that lead elsewhere; an error of the file system
   */
  damageOf(
    { name, manifestSha256 }: ModelMark,
    onBytes?: (bytes: number) => void,
  ): { name: string; problem: string } | undefined {
    const manifest = this.readManifest(name);
    if (manifest === undefined) return { name, problem: 'is gone' };
    const seen = createHash('sha256').update(manifest).digest('hex');
    if (seen !== manifestSha256) return { name: `${name}/manifest.json`, problem: otherHash(seen, manifestSha256) };
    const { files } = JSON.parse(manifest.toString()) as Manifest;
    const entries = Object.entries(files).map(([file, entry]) => ({ name: `${name}/${file}`, ...entry }));
    for (const { name, bytes } of entries) {
      const stat = statSync(this.pathOf(name), { throwIfNoEntry: false });
      if (stat === undefined) return { name, problem: 'is gone' };
      if (stat.size !== bytes) return { name, problem: `is damaged: it has ${stat.size} bytes, not ${bytes}` };
    }
    const key = `${name} ${manifestSha256}`;
    if (this.verified.has(key)) return undefined;
    for (const { name, sha256 } of entries) {
      const found = sha256Of(this.pathOf(name), onBytes);
      if (found !== sha256) return { name, problem: otherHash(found ?? 'unreadable', sha256) };
    }
    this.verified.add(key);
    return undefined;
  }

  /** The files of a model that is intact, by their names in its folder, without what is there to go on training. */
  filesOf({ name }: ModelMark): string[] {
    const { files } = JSON.parse(String(this.readManifest(name))) as Manifest;
    return Object.keys(files).filter((file) => !file.startsWith('training/'));
  }

  private readManifest(name: string): Buffer | undefined {
    // A network file system may remember that nothing was there when another machine had not written it yet; whoever
    // lists the folder above hears the news.
    const above = dirname(this.pathOf(name));
    if (existsSync(above)) readdirSync(above);
    try {
      return readFileSync(this.pathOf(`${name}/manifest.json`));
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
      throw error;
    }
  }
}

function otherHash(seen: string, wanted: string): string {
  return `is damaged: its SHA-256 is ${seen}, not ${wanted}`;
}
