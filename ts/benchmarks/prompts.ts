import { SOLVER_SYSTEM, solverConversation } from '../domain/prompts.ts';
import type { Conversation } from '../protocol/generated.ts';
import type { Item } from './benchmark.ts';
import { letterAt } from './letters.ts';

/** How a benchmark's questions are put: a style by name, or texts of one's own. */
export type Prompt = PromptStyle | PromptTexts;

/**
 * `solver`: the conversation that the Solver is trained with, with nothing but the question. `choice`: the same
 * instruction, and behind the question its choices and the wish for a letter in the box.
 */
export const PROMPT_STYLES = ['solver', 'choice'] as const;

export type PromptStyle = (typeof PROMPT_STYLES)[number];

/** `{question}` and `{choices}` in `user` stand for an item's; without `system` there is none. */
export interface PromptTexts {
  readonly system?: string;
  readonly user: string;
}

const CHOICE_USER = '{question}\n\n{choices}\n\nPut the letter of the right choice in \\boxed{}.';

/** What the model is shown of an item. */
export function conversationFor(prompt: Prompt, item: Item): Conversation {
  if (prompt === 'solver') return solverConversation(item.question);
  const { system, user } = prompt === 'choice' ? { system: SOLVER_SYSTEM, user: CHOICE_USER } : prompt;
  return {
    messages: [
      ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
      { role: 'user', content: filled(user, item) },
    ],
  };
}

/** Choices as the model sees them, a line each: `A. Paris`. */
export function listChoices(choices: readonly string[]): string {
  return choices.map((choice, index) => `${letterAt(index)}. ${choice}`).join('\n');
}

/** In one pass, so that braces in a question stay as they are. */
function filled(template: string, { question, choices = [] }: Item): string {
  return template.replace(/\{(question|choices)\}/g, (_, name) =>
    name === 'question' ? question : listChoices(choices),
  );
}
