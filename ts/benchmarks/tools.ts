import type { HubSource, TaskSource } from './description.ts';

/** What it takes Python to do. Each throws a BenchmarkError that says how to go on. */
export interface BenchmarkTools {
  /** Bring files of a dataset repository to this machine, or find them in the hub's cache. */
  download(source: HubSource, signal: AbortSignal): Promise<Download>;
  /** Make the items of a task of Reasoning Gym. */
  openTask(source: TaskSource, signal: AbortSignal): Promise<OpenTask>;
}

export interface Download {
  /** Absolute paths, in the order of the source. */
  readonly files: readonly string[];
  /** The commit that they are of. */
  readonly commit: string;
}

/** A task whose process is at hand. */
export interface OpenTask {
  /** Of the package that made the items. */
  readonly version: string;
  readonly items: readonly { readonly question: string; readonly answer: string }[];
  /** The task's own score, [0, 1], of each answer to one item (from 0); null where it came to none. */
  score(item: number, answers: readonly string[]): Promise<readonly (number | null)[]>;
}
