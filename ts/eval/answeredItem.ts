import type { Item } from '../benchmarks/benchmark.ts';
import { majorityVote } from '../domain/vote.ts';
import {
  fingerprint,
  GRADER,
  type JudgeIdentity,
  keyOf,
  type MarkRecord,
  nameOfJudge,
  type ResponseRecord,
  type VerdictRecord,
} from './response.ts';

/** A response with its mark, and the judge's verdict where there is one. */
export interface Answered {
  response: ResponseRecord;
  mark: MarkRecord;
  /** Undefined where the judge was not asked, or gave none. */
  verdict?: boolean;
}

/** An item with all that a model answered to it. */
export interface AnsweredItem {
  item: Item;
  greedy: Answered | null;
  /** In the order of their seeds; empty where nothing was sampled. */
  sampled: readonly Answered[];
}

/** What is on record of one benchmark. */
export interface BenchmarkRecords {
  items: readonly Item[];
  responses: readonly ResponseRecord[];
  marks: readonly MarkRecord[];
  verdicts: readonly VerdictRecord[];
}

/**
 * Put the records of a benchmark together.
 *
 * @param sat how much of it counts: the first items, the first samples
 * @param judge whose verdicts count; null: nobody's
 * @returns in the order of the items; undefined where a response or a mark is not there yet
 */
export function answeredItems(
  { items, responses, marks, verdicts }: BenchmarkRecords,
  sat: { items: number; samples: number; greedy: boolean },
  judge: JudgeIdentity | null,
): AnsweredItem[] | undefined {
  const byKey = new Map(responses.map((response) => [keyOf(response), response]));
  const markOf = new Map(marks.filter(({ grader }) => grader === GRADER).map((mark) => [keyOf(mark), mark]));
  const verdictOf = new Map(
    verdicts
      .filter((verdict) => judge !== null && verdict.judge === nameOfJudge(judge))
      .map((verdict) => [keyOf(verdict), verdict]),
  );
  const find = (id: string, mode: 'greedy' | 'sampled', sample: number): Answered | undefined => {
    const key = keyOf({ id, mode, sample });
    const [response, mark, verdict] = [byKey.get(key), markOf.get(key), verdictOf.get(key)];
    if (response === undefined || mark === undefined) return undefined;
    const text = fingerprint(response.text);
    if (mark.text !== text) return undefined;
    return { response, mark, ...(verdict?.text === text ? { verdict: verdict.correct } : {}) };
  };
  const answered: AnsweredItem[] = [];
  for (const item of items.slice(0, sat.items)) {
    const greedy = sat.greedy ? find(item.id, 'greedy', 0) : null;
    const sampled = Array.from({ length: sat.samples }, (_, sample) => find(item.id, 'sampled', sample));
    if (greedy === undefined || sampled.includes(undefined)) return undefined;
    answered.push({ item, greedy, sampled: sampled as Answered[] });
  }
  return answered.length < sat.items ? undefined : answered;
}

/** The marks of an item by one way of grading. */
export interface ItemMarks {
  greedy: boolean | null;
  sampled: readonly boolean[];
  /** Whether the most frequent answer is right; null where nothing was sampled. */
  majority: boolean | null;
}

/** @param correct the way of grading */
export function marksOf({ greedy, sampled }: AnsweredItem, correct: (answered: Answered) => boolean): ItemMarks {
  return {
    greedy: greedy && correct(greedy),
    sampled: sampled.map(correct),
    majority: sampled.length === 0 ? null : isMajorityRight(sampled, correct),
  };
}

/** By the rule grader. */
export function byRule({ mark }: Answered): boolean {
  return mark.correct;
}

/** By the judge; what it gave no verdict on keeps the rule grader's mark. */
export function byJudge({ mark, verdict }: Answered): boolean {
  return verdict ?? mark.correct;
}

/** The mark of the first response with the answer that most have, as the vote has it; wrong where no answer has a vote. */
function isMajorityRight(sampled: readonly Answered[], correct: (answered: Answered) => boolean): boolean {
  const { label, classes } = majorityVote(sampled.map(({ mark }) => mark.answer));
  if (label === null) return false;
  const winner = classes.find(({ kind, answer }) => kind === 'answer' && answer === label);
  const first = sampled[winner?.members[0] ?? -1];
  return first !== undefined && correct(first);
}
