import type { Conversation } from '../protocol/generated.ts';

/** What a benchmark is counted under: the paper's two macro averages, or neither of them. */
export type Group = 'math' | 'general' | 'embedded' | 'own';

/** One question of a benchmark, with what counts as right. */
export interface Item {
  /** Its name among the benchmark's items: the data's own, or its number. Stable from one evaluation to the next. */
  readonly id: string;
  /** As it stands in the data, without choices. */
  readonly question: string;
  /** What is right: an answer for the grader, or the letter of a choice. */
  readonly answer: string;
  /** What there is to choose from; the first is A. Absent where the answer is free. */
  readonly choices?: readonly string[];
  /** What the data files it under: a subject, a level. */
  readonly category?: string;
}

/** What a grader makes of one response. */
export interface Mark {
  /** The final answer that was read from it; null where there is none (no box, no letter). */
  readonly answer: string | null;
  readonly correct: boolean;
  /** The grader could not decide whether the answer is right; it counts as wrong. */
  readonly undecided: boolean;
}

/** A benchmark whose items are at hand, and all that an evaluation does with them. */
export interface LoadedBenchmark {
  /** As in `--suite`: `math-500`. */
  readonly name: string;
  /** As people write it: MATH-500. */
  readonly title: string;
  readonly group: Group;
  /** What the paper reports of it, and what a macro average is taken over: greedy accuracy, or mean@k. */
  readonly metric: 'greedy' | 'mean';
  /** The k of mean@k in the paper's protocol; 0 where it samples nothing. */
  readonly samples: number;
  /** Most new tokens of a response in the paper's protocol. */
  readonly maxTokens: number;
  readonly items: readonly Item[];
  /** Where the items are from, for people: hub id and revision, or a file. */
  readonly origin: string;
  /** SHA-256 (hex) of all items, in order, and of how they are asked and graded: of what decides a score. */
  readonly digest: string;
  /** What the model is shown. */
  conversation(item: Item): Conversation;
  /** One mark a response, in order. Pure for the built-in graders; others may ask a process. */
  grade(item: Item, responses: readonly string[]): Promise<readonly Mark[]>;
}
