import { type FigureHistory, figure, present } from './figures.ts';
import type { NothingKeptRule, WarningFacts } from './rules.ts';

/** Too few questions kept to train the Solver on; where none is, it is said whatever the threshold. */
export function nothingKept(
  history: FigureHistory,
  rule: NothingKeptRule,
  { prompts, shortfall }: WarningFacts,
): string | undefined {
  const now = present(history);
  const kept = now.phase === 'questions' ? figure(now, 'kept') : undefined;
  if (kept === undefined) return undefined;
  const advice = 'Ask for more (questions.candidates, questions.shortfall), or keep more (questions.delta)';
  if (kept === 0) return `no question was kept, so the Solver is not trained in this iteration. ${advice}`;
  if (kept >= rule.batches * prompts) return undefined;
  const short = shortfall === 'repeat' ? 'each is used several times' : `the batches are of ${kept}`;
  const remedy = kept < prompts ? short : 'each is used often';
  return `only ${kept} questions were kept for batches of ${prompts}: ${remedy}. ${advice}`;
}
