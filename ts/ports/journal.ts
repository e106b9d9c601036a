import type { Activity, Phase } from './reporter.ts';

/** A file of the run as it was when it was finished; `name` is relative to the run, `/`-separated. */
export interface FileMark {
  name: string;
  sha256: string;
}

/** A model's folder in the run, and the SHA-256 of its manifest, which has those of all its files. */
export interface ModelMark {
  name: string;
  manifestSha256: string;
}

/** A model in training as it was after a step, with all it takes to go on. */
export interface Checkpoint extends ModelMark {
  modelId: string;
  weightsVersion: number;
}

/** What all entries of a phase have. */
interface OfPhase {
  iteration: number;
  phase: Phase;
}

/**
 * One thing that a run has decided or done. Free of times but for `seconds` and `activity`: the same run writes the same
 * entries but for those.
 */
export type JournalEntry =
  /**
   * What the run was asked to do: its whole configuration, and the folder that relative paths in it start from. Where it
   * was changed, the last one counts.
   */
  | {
      type: 'run';
      config: object;
      workingFolder: string;
      rewardModule?: { path: string; sha256: string };
      /** The run that it shares its first phases with. */
      forkOf?: { run: string; at: string };
    }
  /** Which weights each role starts from: 0 is the base, k those of iteration k, which after a roll-back is not the last. */
  | {
      type: 'iteration';
      iteration: number;
      challengerFrom: number;
      solverFrom: number;
      trainsChallenger: boolean;
      variant?: { challengerFrom: string; judge: string; solverFrom: string };
    }
  | ({ type: 'phase' } & OfPhase)
  /** What came from outside: samples, log-probs, a user's reward. `key` is the digest of what was asked. */
  | ({ type: 'answer'; key: string; object: string } & OfPhase)
  /**
   * An update is going to be made: `batch` is the digest of all that decides it, `credit` an object with the rewards
   * and advantages of its samples.
   */
  | ({ type: 'update'; step: number; update: number; seq: number; batch: string; credit: string } & OfPhase)
  | ({ type: 'step'; step: number; metrics: Record<string, number | null>; files: FileMark[] } & OfPhase)
  /** All that the phase has in training, as it was after a step: the point that it can go on from. */
  | ({ type: 'checkpoint'; step: number; seq: number; models: Checkpoint[] } & OfPhase)
  /**
   * A phase is over: its figures, the files and the model that it leaves, and an object with what it found. `seconds` and
   * `activity`, what its workers did in that time, are of the attempt that ended it; earlier ones may have begun it.
   */
  | ({
      type: 'done';
      metrics: Record<string, number | null>;
      seconds: number;
      activity?: Activity;
      files: FileMark[];
      model?: ModelMark;
      value: string;
    } & OfPhase)
  /** What a phase left is damaged and needed: it is to be done again. */
  | ({ type: 'undone'; reason: string } & OfPhase)
  /** Of an early warning also its name, and what it leads to: `none`, `stop` or `roll-back`. */
  | ({ type: 'warning'; message: string; name?: string; action?: string } & OfPhase)
  | { type: 'workers'; message: string }
  /** Something was lost or damaged, and is made again. */
  | { type: 'recovery'; message: string }
  /** How an attempt ended, where it could say so. */
  | { type: 'end'; how: 'finished' | 'stopped' | 'preempted' | 'failed'; error?: string };

/** What an object of the store can hold: JSON, and typed arrays as values of its top level. */
export type Storable = object;

/**
 * The truth about a run: what it has decided and done, in order, over all its attempts; and the objects that its
 * entries name by the SHA-256 of their content.
 */
export interface Journal {
  /** All entries so far, those of earlier attempts first; it grows. */
  readonly entries: readonly JournalEntry[];
  /**
   * Append an entry.
   *
   * @param durable whether it, all entries before it and the objects they name must survive the loss of power before
   *   this returns
   * @throws an error of the file system; `fenced` where another orchestrator has taken the run over
   */
  append(entry: JournalEntry, durable?: boolean): void;
  /** Keep an object. @returns its name. @throws an error of the file system */
  put(value: Storable): string;
  /** An object that was put; undefined where it is not there any more, or is damaged. */
  get<T extends Storable>(name: string): T | undefined;
  /** The name that an object would have. */
  digest(value: Storable): string;
}
