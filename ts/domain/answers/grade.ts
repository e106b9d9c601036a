import { compareAnswers, type Verdict } from './compare.ts';
import { type Extraction, type ExtractionRule, findAnswer } from './extract.ts';
import { type AnswerPolicy, POLICIES } from './policy.ts';

export interface GradeOptions {
  /** How the prediction's answer is found; `any` when absent. The gold answer's is always found by `any`. */
  rule?: ExtractionRule;
  /** What counts as the same answer. */
  policy?: AnswerPolicy;
}

/**
 * Is the answer of one text that of another? Either may be a bare answer, one in a math environment or a box, or a whole
 * model output.
 *
 * Two texts of sentences that mark no answer are equal when they say the same; that both come down to the same number is
 * not enough, and undecided.
 *
 * @param gold a text that has an answer; undecided when it has none
 * @param prediction without an answer it is not equal
 */
export function gradeTexts(
  gold: string,
  prediction: string,
  { rule = 'any', policy = POLICIES.default }: GradeOptions = {},
): Verdict {
  const wanted = answerOf(gold, 'any', policy);
  if (wanted === null) return { equal: null, reason: 'no answer in the gold text' };
  const given = answerOf(prediction, rule, policy);
  if (given === null) return { equal: false, reason: 'no answer in the prediction' };
  const verdict = compareAnswers(wanted.answer, given.answer, policy);
  if (!wanted.guess || !given.guess || verdict.equal !== true) return verdict;
  const whole = compareAnswers(gold, prediction, policy);
  return whole.equal === true ? whole : { equal: null, reason: 'sentences that mark no answer' };
}

/** Nothing but one box that never closes. */
const OPEN_BOX = /^[\s$]*\\{1,2}(?:boxed|fbox)\s*\{(?![\s\S]*\\(?:boxed|fbox))\s*[^\s}]/;

/** A text that is an answer whose box lost its brace goes to the comparison as it stands, which mends it. */
function answerOf(text: string, rule: ExtractionRule, policy: AnswerPolicy): Extraction | null {
  const open = rule === 'any' && policy.repair && OPEN_BOX.test(text);
  return findAnswer(text, rule) ?? (open ? { step: 'read', answer: text.trim(), guess: false } : null);
}
