import { answerKey } from '../answer.ts';
import type { AnswerPolicy } from './policy.ts';

/** Same index: same class; -1: no voter. */
export function classesOf(answers: readonly string[], _policy?: AnswerPolicy): number[] {
  const classes = new Map<string, number>();
  return answers.map((answer) => {
    const key = answerKey(answer);
    const known = classes.get(key) ?? classes.size;
    classes.set(key, known);
    return answer.trim() === '' || answer.length > 4096 ? -1 : known;
  });
}
