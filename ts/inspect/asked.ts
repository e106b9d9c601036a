import { challengerConversation, solverConversation } from '../domain/prompts.ts';
import type { Settings } from '../domain/settings.ts';
import type { Conversation } from '../protocol/generated.ts';

/** A conversation that a run has with a model, and how much the model may answer. */
export interface Asked {
  who: 'Challenger' | 'Solver' | 'Solver, with a beginning';
  conversation: Conversation;
  /** Most new tokens of a sample. */
  maxTokens: number;
}

/**
 * The conversations of a run, one of each form.
 *
 * @param question one as the Solver gets it
 * @param prefix how an answer begins where the exam begins it; undefined where it never does
 */
export function askedBy(settings: Settings, question: string, prefix: string | undefined): Asked[] {
  const { challenger, questions, answering, solver, evaluation } = settings;
  const longest = (...samplings: { maxTokens: number }[]) => Math.max(...samplings.map(({ maxTokens }) => maxTokens));
  const answer = longest(answering.sampling, solver.sampling, evaluation.sampling);
  return [
    {
      who: 'Challenger',
      conversation: challengerConversation(),
      maxTokens: longest(challenger.sampling, questions.sampling),
    },
    { who: 'Solver', conversation: solverConversation(question), maxTokens: answer },
    ...(prefix === undefined
      ? []
      : [
          {
            who: 'Solver, with a beginning' as const,
            conversation: solverConversation(question, prefix),
            maxTokens: evaluation.sampling.maxTokens,
          },
        ]),
  ];
}
