import { earlier, type FigureHistory, figure, percent, present } from './figures.ts';
import type { DiversityRule } from './rules.ts';

/**
 * Collapse of diversity, at the end of the Challenger and the question phases: repeated texts, few distinct 2-grams, or
 * one large repetition cluster. R-Few (arXiv 2512.02472) saw R-Zero's distinct 2-grams fall from 35 to 20 % in 50 steps,
 * to 0.57 of what they were.
 */
export function diversity(history: FigureHistory, rule: DiversityRule): string | undefined {
  const now = present(history);
  if (now.step !== null) return undefined;
  const found: string[] = [];
  const distinct = figure(now, 'distinct');
  if (distinct !== undefined && distinct < rule.distinct) {
    found.push(`only ${percent(distinct)} of the questions are distinct`);
  }
  const bigrams = figure(now, 'distinctBigrams');
  const [first] = earlier(history, 'distinctBigrams');
  if (bigrams !== undefined && first !== undefined && bigrams < rule.bigrams * first.value) {
    found.push(
      `distinct 2-grams fell from ${percent(first.value)} in iteration ${first.iteration} to ${percent(bigrams)}`,
    );
  }
  const cluster = figure(now, 'largestCluster');
  if (cluster !== undefined && cluster > rule.cluster) found.push(`${percent(cluster)} of a step ask the same`);
  if (found.length === 0) return undefined;
  return (
    `${found.join('; ')}: the Challenger repeats itself. Weigh repetition more ` +
    '(rewards.challenger.repetition, its memory), or begin it from the base (roles.challengerFrom)'
  );
}
