import type { Item } from '../benchmarks/benchmark.ts';
import type { JudgedResponse } from '../judge/judge.ts';
import type { Answered, AnsweredItem } from './answeredItem.ts';
import type { JudgedScores } from './scoresDocument.ts';

/** UTF-16 units of the end of a response that has no final answer, which the judge is shown instead. */
const END = 1000;

/**
 * Whether a judge could see a response otherwise than the rule grader does. A letter is a letter, an answer that is the
 * right one character by character is right, and what says nothing is wrong.
 */
export function isJudgeable(item: Item, { response, mark }: Answered): boolean {
  return item.choices === undefined && mark.answer !== item.answer && response.text.trim() !== '';
}

/** What the judge is shown of a response. */
export function judgedResponse({ question, answer: gold }: Item, { response, mark }: Answered): JudgedResponse {
  return { question, gold, answer: mark.answer ?? response.text.slice(-END) };
}

/** How the judge and the rule grader agree on the responses that the judge was asked about. */
export function agreement(
  answered: readonly AnsweredItem[],
): Pick<JudgedScores, 'agreement' | 'kappa' | 'given' | 'taken' | 'missing'> {
  const asked = answered.flatMap(({ item, greedy, sampled }) =>
    [...(greedy === null ? [] : [greedy]), ...sampled].filter((one) => isJudgeable(item, one)),
  );
  const judged = asked.filter(({ verdict }) => verdict !== undefined);
  const count = (rule: boolean, judge: boolean) =>
    judged.filter(({ mark, verdict }) => mark.correct === rule && verdict === judge).length;
  const [bothRight, given, taken, bothWrong] = [
    count(true, true),
    count(false, true),
    count(true, false),
    count(false, false),
  ];
  return {
    ...kappa(bothRight, bothWrong, given, taken),
    given,
    taken,
    missing: asked.length - judged.length,
  };
}

/** Cohen's kappa (Cohen 1960): agreement beyond what two graders with these shares of points would have by chance. */
function kappa(bothRight: number, bothWrong: number, given: number, taken: number) {
  const n = bothRight + bothWrong + given + taken;
  if (n === 0) return { agreement: null, kappa: null };
  const observed = (bothRight + bothWrong) / n;
  const [rule, judge] = [(bothRight + taken) / n, (bothRight + given) / n];
  const chance = rule * judge + (1 - rule) * (1 - judge);
  // Where both give all responses the same mark there is nothing but chance.
  return { agreement: observed, kappa: chance === 1 ? null : (observed - chance) / (1 - chance) };
}
