import { createHash } from 'node:crypto';
import type { Mark } from '../benchmarks/benchmark.ts';
import type { StopReason } from '../protocol/generated.ts';

/** Which response of a model to an item of a benchmark. */
export interface ResponseKey {
  /** The item's. */
  id: string;
  mode: 'greedy' | 'sampled';
  /** Which of the item's samples, from 0; 0 for a greedy one. */
  sample: number;
}

/** A line of responses.jsonl. */
export interface ResponseRecord extends ResponseKey {
  text: string;
  /** `length`: cut off at the most tokens allowed. */
  stop: StopReason;
  /** The stop token included. */
  tokens: number;
}

/**
 * A line of marks.jsonl: what the rule grader made of a response. Of several for one response the last one counts.
 */
export interface MarkRecord extends ResponseKey, Mark {
  /** {@link fingerprint} of the text that was graded. */
  text: string;
  /** {@link GRADER} of the grader. */
  grader: number;
}

/** A line of verdicts.jsonl: what a judge said of a response. What it gave no verdict on is not there. */
export interface VerdictRecord extends ResponseKey {
  /** {@link fingerprint} of the response's text. */
  text: string;
  /** {@link nameOfJudge}. */
  judge: string;
  correct: boolean;
}

/** Goes up whenever the grader marks anything otherwise: marks of another one are not taken over, but made anew. */
export const GRADER = 1;

/** One text a response. */
export function keyOf({ id, mode, sample }: ResponseKey): string {
  return `${mode} ${sample} ${id}`;
}

/** The first 16 digits of a text's SHA-256 (UTF-8, hex). */
export function fingerprint(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16);
}

/** A judge as verdicts name it: those of another are not its own. */
export function nameOfJudge({ model, endpoint, temperature }: JudgeIdentity): string {
  return `${model} at ${endpoint}, temperature ${temperature}`;
}

export interface JudgeIdentity {
  model: string;
  endpoint: string;
  temperature: number;
}
