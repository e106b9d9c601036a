import { createHash } from 'node:crypto';
import { WorkerCallError } from '../errors.ts';

/** A checkpoint's files by name. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** What a checkpoint holds, written down, as py_worker/rzero_worker/manifest.py does it. */
export const MANIFEST = 'manifest.json';
const FORMAT = 1;

interface Entry {
  bytes: number;
  sha256: string;
}

/**
 * Describe files.
 * @param steps optimiser steps that the model has taken
 * @param weightsVersion of its published weights
 */
export function manifestOf(files: Files, steps: number, weightsVersion: number): Uint8Array {
  const names = [...files.keys()].sort();
  const entries = names.map((name) => [name, describe(files.get(name) as Uint8Array)]);
  const document = { files: Object.fromEntries(entries), format: FORMAT, steps, weightsVersion };
  return Buffer.from(`${JSON.stringify(document, null, 1)}\n`);
}

/**
 * Compare files with the manifest among them, and that with the hash it should have, where one is known.
 * @param path for the message
 * @throws WorkerCallError `io_error` naming the first file that is wrong
 */
export function verifyManifest(path: string, files: Files, sha256: string | undefined): void {
  const problem = problemOf(files, sha256);
  if (problem !== undefined) throw new WorkerCallError('io_error', `path: ${path} ${problem}`);
}

function problemOf(files: Files, sha256: string | undefined): string | undefined {
  const written = files.get(MANIFEST);
  if (written === undefined) return `lacks its manifest, ${MANIFEST}`;
  const seen = sha256Of(written);
  if (sha256 !== undefined && seen !== sha256.toLowerCase()) {
    return `is another checkpoint: the SHA-256 of ${MANIFEST} is ${seen}, asked for is ${sha256}`;
  }
  const listed = parse(written);
  if (listed === undefined) return `has no usable manifest, ${MANIFEST}`;
  const names = new Set([...listed.keys(), ...files.keys()]);
  names.delete(MANIFEST);
  for (const name of [...names].sort()) {
    const [file, wanted] = [files.get(name), listed.get(name)];
    if (file === undefined) return `lacks a file that its manifest lists: ${name}`;
    if (wanted === undefined) return `holds a file that its manifest does not list: ${name}`;
    const { bytes, sha256: digest } = describe(file);
    if (bytes !== wanted.bytes) return `${name} is damaged: it has ${bytes} bytes, the manifest says ${wanted.bytes}`;
    if (digest !== wanted.sha256) {
      return `${name} is damaged: its SHA-256 is ${digest}, the manifest says ${wanted.sha256}`;
    }
  }
  return undefined;
}

/** In hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function describe(bytes: Uint8Array): Entry {
  return { bytes: bytes.byteLength, sha256: sha256Of(bytes) };
}

function parse(written: Uint8Array): Map<string, Entry> | undefined {
  try {
    const document = JSON.parse(Buffer.from(written).toString()) as { format?: unknown; files?: Record<string, Entry> };
    return document.format === FORMAT && document.files ? new Map(Object.entries(document.files)) : undefined;
  } catch {
    return undefined;
  }
}
