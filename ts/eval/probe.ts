import { sameAnswer } from '../domain/answers/compare.ts';
import { extractAnswer } from '../domain/answers/extract.ts';
import { InvalidArgument } from '../domain/errors.ts';
import { mean } from '../domain/statistics.ts';
import { majorityVote } from '../domain/vote.ts';
import type { Probe } from '../ports/exam.ts';

/** Questions of a probe at most: it is small, since it is answered in every iteration. */
export const MOST_PROBED = 10_000;

/**
 * A probe from a file's text: JSON lines `{"question": "...", "answer": "..."}`, UTF-8; blank lines are nothing, and other
 * fields are let be.
 *
 * @throws InvalidArgument with the line that is wrong, or for 0 or more than 10,000 questions
 */
export function parseProbe(text: string): Probe {
  const lines = text.split(/\r?\n/).map((line, index) => ({ line, number: index + 1 }));
  const items = lines.filter(({ line }) => line.trim() !== '').map(({ line, number }) => readItem(line, number));
  if (items.length === 0 || items.length > MOST_PROBED) {
    throw new InvalidArgument(`it has ${items.length} questions, allowed are 1 to ${MOST_PROBED}`);
  }
  return {
    questions: items.map(({ question }) => question),
    accuracy(responses) {
      const right = items.map(({ answer }, index) => {
        const { label } = majorityVote((responses[index] ?? []).map((response) => extractAnswer(response)));
        return label !== null && sameAnswer(label, answer);
      });
      return mean(right.map(Number));
    },
  };
}

function readItem(line: string, number: number): { question: string; answer: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new InvalidArgument(`line ${number} is not JSON: ${(error as Error).message}`);
  }
  const { question, answer } = (value ?? {}) as { question?: unknown; answer?: unknown };
  for (const [name, field] of Object.entries({ question, answer })) {
    if (typeof field === 'string' && field.trim() !== '') continue;
    const seen = field === undefined ? 'missing' : JSON.stringify(field);
    throw new InvalidArgument(`line ${number}: "${name}" is ${seen}: it must be a text`);
  }
  return { question: question as string, answer: answer as string };
}
