import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { WorkerCallError } from '../errors.ts';
import type { AdamState } from './adamw.ts';
import type { Checkpoint } from './model.ts';
import { VOCABULARY } from './text.ts';

/** Where checkpoints are kept. */
export interface Checkpoints {
  /** @throws WorkerCallError `io_error` when the path is taken or cannot be written */
  save(path: string, checkpoint: Checkpoint): number;
  /** undefined where there is none; throws WorkerCallError `io_error` when what is there is none of ours. */
  load(path: string): Checkpoint | undefined;
}

/** Checkpoints that live as long as the process. */
export function inMemory(): Checkpoints {
  const kept = new Map<string, Checkpoint>();
  return {
    save(path, checkpoint) {
      if (kept.has(path)) throw taken(path);
      kept.set(path, checkpoint);
      return checkpoint.weights.byteLength * (checkpoint.optimizer === undefined ? 1 : 3);
    },
    load: (path) => kept.get(path),
  };
}

/** Checkpoints as folders with one JSON file. */
export function inFolders(): Checkpoints {
  return {
    save(path, { weights, optimizer }) {
      if (existsSync(path)) throw taken(path);
      const text = JSON.stringify({
        weights: Array.from(weights),
        optimizer: optimizer && {
          step: optimizer.step,
          first: Array.from(optimizer.first),
          second: Array.from(optimizer.second),
        },
      });
      try {
        mkdirSync(dirname(path), { recursive: true });
        mkdirSync(path);
        writeFileSync(join(path, FILE), text);
      } catch (error) {
        throw new WorkerCallError('io_error', `path: ${path} cannot be written: ${reason(error)}`);
      }
      return text.length;
    },
    load(path) {
      if (!existsSync(path)) return undefined;
      try {
        return parse(JSON.parse(readFileSync(join(path, FILE), 'utf8')));
      } catch (error) {
        throw new WorkerCallError('io_error', `path: ${path} is no checkpoint of this worker: ${reason(error)}`);
      }
    },
  };
}

const FILE = 'checkpoint.json';

function parse(document: {
  weights: number[];
  optimizer?: { step: number; first: number[]; second: number[] };
}): Checkpoint {
  const array = (values: number[]): Float64Array => {
    if (values.length !== VOCABULARY ** 2) throw new Error(`saw ${values.length} values, expected ${VOCABULARY ** 2}`);
    return Float64Array.from(values);
  };
  const { optimizer } = document;
  const state: AdamState | undefined = optimizer && {
    step: optimizer.step,
    first: array(optimizer.first),
    second: array(optimizer.second),
  };
  return { weights: array(document.weights), optimizer: state };
}

function taken(path: string): WorkerCallError {
  return new WorkerCallError('io_error', `path: ${path} exists already, allowed is one that does not`);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
