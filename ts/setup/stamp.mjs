import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// A stamp lies inside what it vouches for (node_modules, .venv, dist), so that it goes when that goes,
// and is written last, so that an interrupted installation has none.

/**
 * @param {Iterable<string | Buffer>} parts any number of texts; their boundaries count
 * @returns {string} sha256, hexadecimal
 */
export function hashOf(parts) {
  const hash = createHash('sha256');
  for (const part of parts) {
    const bytes = Buffer.from(part);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex');
}

/**
 * Files under a folder, sorted, as paths relative to it with `/`.
 *
 * @param {string} folder
 * @param {(path: string) => boolean} wanted
 * @returns {string[]}
 */
export function filesUnder(folder, wanted) {
  const found = [];
  const walk = (relative) => {
    for (const entry of readdirSync(join(folder, relative), { withFileTypes: true })) {
      const path = relative ? `${relative}/${entry.name}` : entry.name;
      if (entry.isDirectory()) walk(path);
      else if (wanted(path)) found.push(path);
    }
  };
  walk('');
  return found.sort();
}

/** @param {string} path @returns {string} its text, or '' when there is no such file */
export function textOf(path) {
  return whenThere(() => readFileSync(path, 'utf8')) ?? '';
}

/** @param {string} path @returns {Record<string, unknown> | undefined} undefined when absent or torn */
export function readStamp(path) {
  const text = textOf(path);
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Whole or not at all. @param {string} path @param {object} content */
export function writeStamp(path, content) {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(content, null, 2)}\n`);
  renameSync(next, path);
}

/** @param {string} path */
export function removeStamp(path) {
  rmSync(path, { force: true });
}

/**
 * @template T
 * @param {() => T} read a call on the file system
 * @returns {T | undefined} undefined when there is nothing at that path
 */
export function whenThere(read) {
  try {
    return read();
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
