import { compareAnswers } from '../domain/answers/compare.ts';
import { extractAnswer } from '../domain/answers/extract.ts';
import type { Item, Mark } from './benchmark.ts';
import { chosenLetter } from './choice.ts';
import { sameExactly } from './exact.ts';

/**
 * How the final answer is read from a response and compared.
 *
 * - `boxed`: the last box, by the rule grader.
 * - `choice`: the letter of a choice; see {@link chosenLetter}.
 * - `exact`: the last box, else what the response says that the answer is; see {@link sameExactly}.
 */
export const EXTRACTIONS = ['boxed', 'choice', 'exact'] as const;

export type Extraction = (typeof EXTRACTIONS)[number];

/** The mark of one response. Pure; bounded work on any text. */
export function markOf(extraction: Extraction, item: Item, response: string): Mark {
  return MARKERS[extraction](item, response);
}

const MARKERS: Readonly<Record<Extraction, (item: Item, response: string) => Mark>> = {
  boxed: ({ answer: gold }, response) => {
    const answer = extractAnswer(response);
    if (answer === null) return NO_ANSWER;
    const { equal } = compareAnswers(gold, answer);
    return { answer, correct: equal === true, undecided: equal === null };
  },
  choice: ({ answer: gold, choices = [] }, response) => {
    const answer = chosenLetter(response, choices);
    return answer === null ? NO_ANSWER : { answer, correct: answer === gold, undecided: false };
  },
  exact: ({ answer: gold }, response) => {
    const answer = extractAnswer(response, 'boxed-or-text');
    return answer === null ? NO_ANSWER : { answer, correct: sameExactly(gold, answer), undecided: false };
  },
};

const NO_ANSWER: Mark = { answer: null, correct: false, undecided: false };
