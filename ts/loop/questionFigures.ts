import { distinctBigrams } from '../domain/distinct.ts';
import { mean } from '../domain/statistics.ts';

/**
 * Metrics of well-formed questions: how they differ, as shares of all, and their mean length in characters; none of no
 * questions.
 */
export function questionFigures(questions: readonly string[]): Record<string, number> {
  if (questions.length === 0) return {};
  const bigrams = distinctBigrams(questions);
  return {
    distinct: new Set(questions).size / questions.length,
    ...(bigrams === null ? {} : { distinctBigrams: bigrams }),
    questionLength: mean(questions.map((text) => text.length)),
  };
}
