import type { Group } from './benchmark.ts';
import type { Fields } from './fields.ts';
import type { Extraction } from './grading.ts';
import type { Prompt } from './prompts.ts';

/** Files of a dataset repository on the Hugging Face hub. */
export interface HubSource {
  /** `owner/name` */
  readonly hub: string;
  /** A commit of the repository, a branch or a tag. */
  readonly revision: string;
  /** Names or patterns (`data/test-*.parquet`) of what is read of it, in this order; of a pattern, by name. */
  readonly files: readonly string[];
}

/** A file at hand: absolute, as is every path in here. */
export interface FileSource {
  readonly file: string;
}

/** A task of Reasoning Gym, which makes its items itself. */
export interface TaskSource {
  readonly task: string;
  /** Items, from 1. */
  readonly size: number;
  /** A whole number from 0; the same one gives the same items. */
  readonly seed: number;
}

/** The embedded domain's held-out questions. */
export interface ArithmeticSource {
  /** Items, 1 to 1000. */
  readonly problems: number;
  readonly seed: number;
  /** Only those of so many steps, 1 to 10; all when absent. */
  readonly steps?: number;
}

/** Where the items of a benchmark are, and how they are asked and graded: all that an entry of the registry says. */
export interface Description {
  /** As in `--suite`: lower case, digits and hyphens. */
  readonly name: string;
  readonly title: string;
  readonly group: Group;
  readonly source: HubSource | FileSource | TaskSource | ArithmeticSource;
  /** What of a record is what; absent where the items are made here. */
  readonly fields?: Fields;
  readonly prompt: Prompt;
  readonly extraction: Extraction;
  /** What counts in an average, and the k of mean@k (0 draws nothing). */
  readonly metric: 'greedy' | 'mean';
  readonly samples: number;
  /** Most new tokens of a response. */
  readonly maxTokens: number;
  /** Items that the data are known to have; absent where that is for the data to say. */
  readonly items?: number;
}

/** Whether a revision is a commit, which is the same for ever. */
export function isPinned({ revision }: HubSource): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
