import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { FileMark, ModelMark } from '../ports/journal.ts';
import type { RecordFile, RunStore } from '../ports/runStore.ts';
import { formatDocument, writeWhole } from './files.ts';
import { LineFile } from './lineFile.ts';
import { ModelCheck } from './modelCheck.ts';
import { putAside } from './quarantine.ts';
import { type Located, recordsIn } from './recordReader.ts';
import { readSegments } from './segments.ts';
import { sha256Of } from './sha256.ts';

/** A run folder that cannot be made or read. */
export class RunFolderError extends Error {
  override readonly name = 'RunFolderError';
  readonly code: 'run_exists' | 'not_a_run' | 'not_finished' | 'bad_name';

  constructor(code: RunFolderError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** How a run ended, or that it has not: the first thing to read in a run folder. */
export interface RunStatus {
  status: 'running' | 'finished' | 'stopped' | 'preempted' | 'failed';
  /** ISO 8601, UTC. */
  startedAt: string;
  endedAt?: string;
  /** What a failed run died of. */
  error?: string;
}

/**
 * A run's folder:
 *
 *     run.json              how it ended
 *     config.yml            the resolved configuration
 *     journal/, objects/    what it has decided and done (journal.ts): the truth that it goes on from
 *     lease.json            whether somebody has the run
 *     metrics.jsonl         one line a step and a phase
 *     summary.json          every figure of the final table; there only when the run is finished
 *     logs/                 what each attempt did, a file each
 *     worker.log            what the worker said
 *     tensorboard/          the figures for TensorBoard, made from the journal
 *     trackers/             of each other tracker what it has got (NAME.json), and what its process said (NAME.log)
 *     iteration-K/          challenger/step-NNN.jsonl, questions.jsonl, problems.jsonl,
 *                           solver/step-NNN.jsonl, evaluation.jsonl, models/challenger, models/solver (Hugging Face folders),
 *                           checkpoints/ of phases that are under way
 *     report.html           what `rzero report` made of all this
 *     quarantine/           what was in the way, or damaged
 */
export class RunFolder implements RunStore {
  readonly path: string;
  private readonly models: ModelCheck;
  private sweep = (): void => {};

  private constructor(path: string) {
    this.path = resolve(path);
    this.models = new ModelCheck((name) => this.file(name));
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
    if (!existsSync(join(path, 'run.json')) && !existsSync(join(path, 'journal'))) {
      throw new RunFolderError('not_a_run', `${name} is not a run folder: it has no run.json and no journal`);
    }
    return new RunFolder(path);
  }

  /** A folder in which a run was lost before it had done anything at all, or undefined: it may be begun there again. */
  static unbegun(path: string): RunFolder | undefined {
    const trace = /^(journal|lease\.json.*|metrics\.jsonl)$/;
    const isTrace = existsSync(join(path, 'journal')) && readdirSync(path).every((name) => trace.test(name));
    return isTrace && readSegments(path).entries.length === 0 ? new RunFolder(path) : undefined;
  }

  /** Open a folder that holds a run which can go on; undefined where it holds none, or one that is finished. */
  static unfinished(path: string): RunFolder | undefined {
    if (!existsSync(join(path, 'journal'))) return undefined;
    const folder = new RunFolder(path);
    return folder.readStatus()?.status === 'finished' ? undefined : folder;
  }

  /**
   * The path of something in the folder.
   *
   * @param name relative, `/`-separated
   * @throws RunFolderError `bad_name` for a name that leads out of the folder
   */
  file(name: string): string {
    const parts = name.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
      const allowed = 'a relative one, without empty parts, . and ..';
      throw new RunFolderError(
        'bad_name',
        `a file of a run has the name ${JSON.stringify(name)}; allowed is ${allowed}`,
      );
    }
    return join(this.path, ...parts);
  }

  writeRecords(name: string, records: Iterable<object>): FileMark {
    const file = this.openRecords(name);
    try {
      for (const record of records) file.add(record);
      return file.finish();
    } finally {
      file.discard();
    }
  }

  openRecords(name: string): RecordFile {
    const file = new LineFile(this.file(name));
    return {
      add: (record) => file.add(record),
      finish: () => ({ name, sha256: file.finish() }),
      discard: () => file.discard(),
    };
  }

  emptyFolder(name: string): string {
    const path = this.file(name);
    if (existsSync(path)) putAside(this.path, name, path);
    mkdirSync(dirname(path), { recursive: true });
    return path;
  }

  folder(name: string): string {
    return this.file(name);
  }

  holds({ name, sha256 }: FileMark): boolean {
    return sha256Of(this.file(name)) === sha256;
  }

  damageOf(model: ModelMark): string | undefined {
    const damage = this.models.damageOf(model);
    return damage && `${damage.name} ${damage.problem}`;
  }

  tidy(): void {
    this.sweep();
  }

  /** Say what {@link RunFolder.tidy} does, and have it done: an earlier attempt may have been lost before it came to it. */
  tidiedBy(sweep: () => void): void {
    this.sweep = sweep;
    sweep();
  }

  /** Remove a file, or a folder with all that it holds, and the folders above it that are empty then. */
  remove(name: string): void {
    rmSync(this.file(name), { recursive: true, force: true });
    for (let above = name.split('/').slice(0, -1); above.length > 0; above = above.slice(0, -1)) {
      try {
        rmdirSync(this.file(above.join('/')));
      } catch {
        return;
      }
    }
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

  /** What run.json says; undefined where it is not there, or cannot be read. */
  readStatus(): RunStatus | undefined {
    try {
      return this.readDocument<RunStatus>('run.json');
    } catch {
      return undefined;
    }
  }

  /** Let another run have a file or folder of this one too: as a link where the file system can, else as a copy. */
  share(name: string, other: RunFolder): void {
    const [from, to] = [this.file(name), other.file(name)];
    if (statSync(from).isDirectory()) {
      for (const entry of readdirSync(from)) this.share(`${name}/${entry}`, other);
      return;
    }
    mkdirSync(dirname(to), { recursive: true });
    try {
      // Nothing of a run is ever written in place, so a link is as good as a copy.
      linkSync(from, to);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
      copyFileSync(from, to);
    }
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

  /** @throws RecordsDamaged; an error of the file system when it is not there */
  readRecords<T>(name: string): T[] {
    return [...this.records<T>(name)].map(({ record }) => record);
  }

  /** JSON lines one by one, without holding more than one: a file may be larger than memory. */
  records<T>(name: string): Generator<Located<T>> {
    return recordsIn<T>(this.file(name), name);
  }
}
