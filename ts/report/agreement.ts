import type { Agreement } from '../judge/agreement.ts';
import { percent } from './metrics.ts';
import { columns } from './text.ts';

/** How a judge and the rule grader agree, for people: their table, and what it comes to. */
export function renderAgreement({ bothRight, bothWrong, given, taken, missing, agreement, kappa }: Agreement): string {
  const table = columns(
    [
      ['', 'judge: right', 'judge: wrong'],
      ['rule: right', String(bothRight), String(taken)],
      ['rule: wrong', String(given), String(bothWrong)],
    ],
    [1, 2],
  );
  const share = agreement === null ? 'nothing was judged' : `they agree on ${percent(agreement)} of what was judged`;
  const beyond = kappa === null ? "Cohen's kappa is undefined" : `Cohen's kappa ${kappa.toFixed(2)}`;
  return [...table, `${share}, ${beyond}; the judge gives ${given}, takes ${taken}; ${missing} without a verdict`]
    .map((line) => `${line}\n`)
    .join('');
}
