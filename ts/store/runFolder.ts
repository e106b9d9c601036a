import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { RecordFile, RunStore } from '../ports/runStore.ts';
import { formatDocument, formatRecords, writeWhole } from './files.ts';
import { LineFile } from './lineFile.ts';

/** A run folder that cannot be made or read. */
export class RunFolderError extends Error {
  override readonly name = 'RunFolderError';
  readonly code: 'run_exists' | 'not_a_run' | 'not_finished';

  constructor(code: RunFolderError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** How a run ended, or that it has not: the first thing to read in a run folder. */
export interface RunStatus {
  status: 'running' | 'finished' | 'stopped' | 'failed';
  /** ISO 8601, UTC. */
  startedAt: string;
  endedAt?: string;
  /** What a failed run died of. */
  error?: string;
  /** The user's own reward, where the run has one: its path as configured, and the SHA-256 of the file. */
  rewardModule?: { path: string; sha256: string };
}

/**
 * A run's folder:
 *
 *     run.json              how it ended
 *     config.yml            the resolved configuration
 *     metrics.jsonl         one line a step and a phase
 *     summary.json          every figure of the final table; there only when the run is finished
 *     worker.log            what the worker said
 *     iteration-K/          challenger/step-NNN.jsonl, questions.jsonl, problems.jsonl,
 *                           solver/step-NNN.jsonl, evaluation.jsonl, models/challenger, models/solver (Hugging Face folders)
 */
export class RunFolder implements RunStore {
  readonly path: string;

  private constructor(path: string) {
    this.path = resolve(path);
  }

  /**
   * Make a new run folder.
   *
   * @throws RunFolderError `run_exists` when something is there: a run is never written over
   */
  static create(path: string): RunFolder {
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new RunFolderError('run_exists', `run folder ${path} exists and is not empty; choose another with --out`);
    }
    mkdirSync(path, { recursive: true });
    return new RunFolder(path);
  }

  /**
   * Open a run folder to read it.
   *
   * @param name what errors call it: the path as the person typed it
   * @throws RunFolderError `not_a_run` when it holds no run
   */
  static open(name: string, path = name): RunFolder {
    if (!existsSync(join(path, 'run.json'))) {
      throw new RunFolderError('not_a_run', `${name} is not a run folder: it has no run.json`);
    }
    return new RunFolder(path);
  }

  file(name: string): string {
    return join(this.path, ...name.split('/'));
  }

  appendMetrics(record: object): void {
    appendFileSync(this.file('metrics.jsonl'), formatRecords([record]));
  }

  writeRecords(name: string, records: Iterable<object>): void {
    writeWhole(this.file(name), formatRecords(records));
  }

  openRecords(name: string): RecordFile {
    return new LineFile(this.file(name));
  }

  writeDocument(name: string, document: object): void {
    writeWhole(this.file(name), formatDocument(document));
  }

  writeText(name: string, text: string): void {
    writeWhole(this.file(name), text);
  }

  writeStatus(status: RunStatus): void {
    this.writeDocument('run.json', status);
  }

  modelFolder(iteration: number, role: 'challenger' | 'solver'): string {
    const folder = this.file(`iteration-${iteration}/models/${role}`);
    mkdirSync(join(folder, '..'), { recursive: true });
    return folder;
  }

  has(name: string): boolean {
    return existsSync(this.file(name));
  }

  /** @throws Error of the file system when it is not there */
  readText(name: string): string {
    return readFileSync(this.file(name), 'utf8');
  }

  /** @throws Error of the file system when it is not there, SyntaxError when it is not JSON */
  readDocument<T>(name: string): T {
    return JSON.parse(this.readText(name)) as T;
  }

  /** @throws Error of the file system when it is not there, SyntaxError when a line is not JSON */
  readRecords<T>(name: string): T[] {
    return this.readText(name)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  }
}
