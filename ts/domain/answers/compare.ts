import { sameAnswer } from '../answer.ts';
import type { AnswerPolicy } from './policy.ts';

/** Whether two answers are the same; null: undecided, with the reason. */
export interface Verdict {
  equal: boolean | null;
  reason: string;
}

export function compareAnswers(gold: string, prediction: string, _policy?: AnswerPolicy): Verdict {
  return sameAnswer(gold, prediction) ? { equal: true, reason: 'same key' } : { equal: false, reason: 'other key' };
}
