import { fieldError, type JsonRecord } from './jsonLines.ts';

/** The field `answers`: a list of answers, null where a sample has no box. @throws LineError */
export function answersField(record: JsonRecord): (string | null)[] {
  const { answers } = record;
  if (!Array.isArray(answers)) throw fieldError('answers', answers, 'a list of strings or nulls');
  const wrong = answers.findIndex((answer) => answer !== null && typeof answer !== 'string');
  if (wrong >= 0) throw fieldError(`answers[${wrong}]`, answers[wrong], 'a string or null');
  return answers;
}
