import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WorkerCallError } from '../errors.ts';
import { Ledger } from './ledger.ts';
import { type Files, MANIFEST, manifestOf, sha256Of, verifyManifest } from './manifest.ts';
import type { Checkpoint } from './model.ts';
import { VOCABULARY } from './text.ts';

const MODEL = 'model.json';
const WEIGHTS = 'weights.f64';
const OPTIMIZER = 'optimizer.f64';
const LEDGER = 'ledger.json';
const FORMAT = 'rzero-memory-1';

/** What was written: bytes of the folder, and the SHA-256 of its manifest. */
export interface Saved {
  bytes: number;
  manifestSha256: string;
}

/**
 * Write a checkpoint as a folder: raw 64-bit floats, and who wrote them.
 * @param version of the published weights, for the manifest
 * @throws WorkerCallError `io_error` when the path is taken or cannot be written
 */
export function saveCheckpoint(path: string, checkpoint: Checkpoint, version: number): Saved {
  if (existsSync(path)) throw failure(path, 'exists already, allowed is one that does not');
  const { weights, optimizer, steps, ledger } = checkpoint;
  const files = new Map<string, Uint8Array>([
    [MODEL, Buffer.from(JSON.stringify({ format: FORMAT }))],
    [WEIGHTS, bytesOf(weights)],
  ]);
  if (optimizer !== undefined) {
    const { step, first, second } = optimizer;
    const floats = new Float64Array(1 + first.length + second.length);
    floats[0] = step;
    floats.set(first, 1);
    floats.set(second, 1 + first.length);
    files.set(OPTIMIZER, bytesOf(floats));
  }
  if (ledger !== undefined) files.set(LEDGER, Buffer.from(ledger.dump()));
  const manifest = manifestOf(files, steps, version);
  files.set(MANIFEST, manifest);
  try {
    writeWhole(path, files);
  } catch (error) {
    throw failure(path, `cannot be written: ${reason(error)}`);
  }
  const bytes = [...files.values()].reduce((sum, file) => sum + file.byteLength, 0);
  return { bytes, manifestSha256: sha256Of(manifest) };
}

/**
 * Read what {@link saveCheckpoint} wrote.
 * @param manifestSha256 absent: whatever manifest is there
 * @throws WorkerCallError `io_error` when it is none, or is not as its manifest says
 */
export function loadCheckpoint(path: string, manifestSha256: string | undefined): Checkpoint {
  const files = readAll(path);
  verifyManifest(path, files, manifestSha256);
  return parse(path, files);
}

/** The weights of a checkpoint, whatever its manifest says. @throws WorkerCallError `io_error` where there are none */
export function loadWeights(path: string): Float64Array {
  return parse(path, readAll(path)).weights;
}

function parse(path: string, files: Files): Checkpoint {
  const count = VOCABULARY ** 2;
  try {
    const { format } = JSON.parse(textOf(files, MODEL)) as { format?: unknown };
    if (format !== FORMAT) throw new Error(`${MODEL}: format is ${JSON.stringify(format)}, allowed is ${FORMAT}`);
    const weights = floatsOf(files, WEIGHTS, count);
    const checkpoint: Checkpoint = { weights, optimizer: undefined, steps: 0, ledger: undefined };
    if (files.has(OPTIMIZER)) {
      const floats = floatsOf(files, OPTIMIZER, 1 + 2 * count);
      const step = floats[0] as number;
      checkpoint.optimizer = { step, first: floats.slice(1, 1 + count), second: floats.slice(1 + count) };
      checkpoint.steps = step;
    }
    if (files.has(LEDGER)) checkpoint.ledger = Ledger.parse(textOf(files, LEDGER));
    return checkpoint;
  } catch (error) {
    throw failure(path, `is no checkpoint of this worker: ${reason(error)}`);
  }
}

/** Beside its place, then renamed: there whole or not at all. */
function writeWhole(path: string, files: Files): void {
  const draft = `${path}.${process.pid}.partial`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    mkdirSync(draft);
    for (const [name, bytes] of files) writeFileSync(join(draft, name), bytes);
    renameSync(draft, path);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function readAll(path: string): Files {
  if (!existsSync(path)) throw failure(path, 'does not exist');
  try {
    return new Map(readdirSync(path).map((name) => [name, readFileSync(join(path, name))]));
  } catch (error) {
    throw failure(path, `cannot be read: ${reason(error)}`);
  }
}

function textOf(files: Files, name: string): string {
  const file = files.get(name);
  if (file === undefined) throw new Error(`${name} is missing`);
  return Buffer.from(file).toString();
}

function floatsOf(files: Files, name: string, count: number): Float64Array {
  const file = files.get(name);
  if (file === undefined) throw new Error(`${name} is missing`);
  if (file.byteLength !== count * 8) throw new Error(`${name}: saw ${file.byteLength} bytes, expected ${count * 8}`);
  // Copied: small files share a buffer, where they need not be aligned.
  const floats = new Float64Array(count);
  new Uint8Array(floats.buffer).set(file);
  return floats;
}

function bytesOf(floats: Float64Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

function failure(path: string, problem: string): WorkerCallError {
  return new WorkerCallError('io_error', `path: ${path} ${problem}`);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
