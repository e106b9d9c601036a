import type { Conversation } from '../protocol/generated.ts';
import { echoesOf, type ParsedQuestion, type ParsingRule, parseQuestion } from './parse.ts';

/** Asks for one problem in the form that {@link file://./parse.ts parseQuestion} reads. */
export const CHALLENGER_SYSTEM =
  'You set problems for a mathematics competition. Think in private first, then write one problem of your own: ' +
  'new, self-contained, with a single answer, hard enough that most strong students fail it. ' +
  'Put the problem between <question> and </question>, and after it the final answer in \\boxed{}.';

/** The same for every candidate: what differs between them is the sampling seed alone. */
export const CHALLENGER_USER = 'Write one new problem.';

/** Asks for an answer in the form that {@link file://./answers/extract.ts extractAnswer} reads. */
export const SOLVER_SYSTEM = 'Reason step by step, and put the final answer in \\boxed{}.';

/** What the Challenger is given; it never varies (the paper's Challenger has no input but its instruction). */
export function challengerConversation(): Conversation {
  return {
    messages: [
      { role: 'system', content: CHALLENGER_SYSTEM },
      { role: 'user', content: CHALLENGER_USER },
    ],
  };
}

/**
 * What the Solver is given for one question.
 *
 * @param prefix how the answer begins; the model continues it (a last turn by the assistant)
 */
export function solverConversation(question: string, prefix?: string): Conversation {
  return {
    messages: [
      { role: 'system', content: SOLVER_SYSTEM },
      { role: 'user', content: question },
      ...(prefix === undefined ? [] : [{ role: 'assistant', content: prefix } as const]),
    ],
  };
}

/** What the Challenger's own instructions would be taken for. */
const ECHOES = echoesOf(`${CHALLENGER_SYSTEM}\n${CHALLENGER_USER}`);

/**
 * The questions in the Challenger's texts; null where there is none.
 *
 * @param rule `echo`: whether the words of {@link CHALLENGER_SYSTEM}, repeated, count as a question
 */
export function parseProposals(
  texts: readonly string[],
  rule: { parsing: ParsingRule; echo: 'allowed' | 'refused' },
): (ParsedQuestion | null)[] {
  const echoes = rule.echo === 'refused' ? ECHOES : undefined;
  return texts.map((text) => parseQuestion(text, rule.parsing, echoes));
}
