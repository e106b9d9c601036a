import { earlier, type FigureHistory, figure, percent, present } from './figures.ts';
import type { NoBoxRule } from './rules.ts';

/**
 * Questions that leave the Solver without a boxed answer. Where a missing box votes (the published code's rules), one that
 * half of the samples do not finish looks perfectly hard, and pays the most: issue 10 of the published code.
 */
export function noBox(history: FigureHistory, rule: NoBoxRule): string | undefined {
  const now = present(history);
  const share = figure(now, 'unboxed');
  if (share === undefined || now.phase === 'solver') return undefined;
  const [first] = earlier(history, 'unboxed');
  const rose = first !== undefined && share - first.value > rule.rise;
  if (!rose && share <= rule.share) return undefined;
  const before = rose ? `, after ${percent(first.value)} at first` : '';
  const pays = figure(now, 'unboxedPays');
  const reward = pays === undefined || pays <= 0 ? '' : `, which goes with reward (correlation ${pays.toFixed(2)})`;
  return (
    `${percent(share)} of the answers have no box${before}${reward}: questions may win by leaving the Solver without ` +
    'one. Read some (questions.jsonl), let a missing box have no vote (voting: paper), or allow longer answers ' +
    '(answering.sampling.maxTokens)'
  );
}
