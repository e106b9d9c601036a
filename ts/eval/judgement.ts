import type { Item } from '../benchmarks/benchmark.ts';
import { agreementOf } from '../judge/agreement.ts';
import { endOfResponse } from '../judge/endOfResponse.ts';
import type { Judge, JudgedResponse } from '../judge/judge.ts';
import type { Answered, AnsweredItem } from './answeredItem.ts';
import { fingerprint, nameOfJudge, type VerdictRecord } from './response.ts';
import type { JudgedScores } from './scoresDocument.ts';

/** Responses after whose verdicts these are put on record. */
const CHUNK = 64;

/**
 * Whether a judge could see a response otherwise than the rule grader does. A letter is a letter, an answer that is the
 * right one character by character is right, and what says nothing is wrong.
 */
export function isJudgeable(item: Item, { response, mark }: Answered): boolean {
  return item.choices === undefined && mark.answer !== item.answer && response.text.trim() !== '';
}

/**
 * Ask a judge about all responses that it could see otherwise, right ones and wrong ones, and that it has no verdict on.
 *
 * @param add puts verdicts on record
 * @throws as the judge does
 */
export async function askJudge(
  judge: Judge,
  answered: readonly AnsweredItem[],
  add: (verdicts: readonly VerdictRecord[]) => void,
  signal: AbortSignal,
): Promise<void> {
  const open = judgeable(answered).filter(({ one }) => one.verdict === undefined);
  for (let at = 0; at < open.length; at += CHUNK) {
    const chunk = open.slice(at, at + CHUNK);
    const verdicts = await judge.judge(
      chunk.map(({ item, one }) => judgedResponse(item, one)),
      signal,
    );
    add(
      chunk.flatMap(({ one: { response } }, index) => {
        const correct = verdicts[index] ?? null;
        if (correct === null) return [];
        const { id, mode, sample, text } = response;
        return [{ id, mode, sample, text: fingerprint(text), judge: nameOfJudge(judge), correct }];
      }),
    );
  }
}

/** How the judge and the rule grader agree on the responses that the judge was asked about. */
export function agreementWith(
  answered: readonly AnsweredItem[],
): Pick<JudgedScores, 'agreement' | 'kappa' | 'given' | 'taken' | 'missing'> {
  const asked = judgeable(answered).map(({ one }) => one);
  const { agreement, kappa, given, taken, missing } = agreementOf(
    asked.map(({ mark }) => mark.correct),
    asked.map(({ verdict }) => verdict ?? null),
  );
  return { agreement, kappa, given, taken, missing };
}

function judgeable(answered: readonly AnsweredItem[]): { item: Item; one: Answered }[] {
  return answered.flatMap(({ item, greedy, sampled }) =>
    [...(greedy === null ? [] : [greedy]), ...sampled].flatMap((one) =>
      isJudgeable(item, one) ? [{ item, one }] : [],
    ),
  );
}

function judgedResponse({ question, answer: gold }: Item, { response, mark }: Answered): JudgedResponse {
  return { question, gold, answer: mark.answer ?? endOfResponse(response.text) };
}
