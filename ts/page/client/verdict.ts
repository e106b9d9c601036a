import type { IterationReport, RunDocument } from '../document.ts';
import { count, pValue, quantity, signed } from './format.ts';

/** What came of a run, in a sentence or two. */
export interface Verdict {
  kind: 'better' | 'worse' | 'unclear' | 'none';
  /** One word or two. */
  title: string;
  sentence: string;
}

/** The gain of the last examined iteration over the base, with its interval and its test. */
export function verdict({ run, iterations }: Pick<RunDocument, 'run' | 'iterations'>): Verdict {
  const examined = iterations.filter(({ evaluation }) => evaluation !== null);
  const last = examined.at(-1);
  const problems = `${count(run.exam.problems)} held-out problems`;
  if (last === undefined)
    return { kind: 'none', title: 'Not examined yet', sentence: 'The Solver has not been examined yet.' };
  const [mode, figure] = chosenFigure(last);
  if (last.iteration === 0 || figure === null) {
    const base = figure === null ? '' : `: ${quantity(figure.value, 'percent')} of ${problems} (${mode})`;
    return {
      kind: 'none',
      title: 'Base model',
      sentence: `The base model has been examined${base}; no iteration is done yet.`,
    };
  }
  const after = `After ${last.iteration} iteration${last.iteration === 1 ? '' : 's'}`;
  const now = `${after} the Solver answers ${quantity(figure.value, 'percent')} of ${problems} right (${mode})`;
  const gain = last.gain?.[mode === 'greedy' ? 'greedy' : 'mean'] ?? null;
  if (gain === null) return { kind: 'none', title: 'No comparison', sentence: `${now}; the base was not examined.` };
  const base = quantity(figure.value - gain.value, 'percent');
  const p = last.gain?.pValue ?? null;
  const sure = `95\u00a0% interval ${signed(gain.low)} to ${signed(gain.high)}${p === null ? '' : `, ${pValue(p)}`}`;
  const points = Math.abs(gain.value).toFixed(1);
  if (gain.low > 0)
    return {
      kind: 'better',
      title: 'Better',
      sentence: `${now}, up ${points} points from the base’s ${base} (${sure}).`,
    };
  if (gain.high < 0)
    return {
      kind: 'worse',
      title: 'Worse',
      sentence: `${now}, down ${points} points from the base’s ${base} (${sure}).`,
    };
  return {
    kind: 'unclear',
    title: 'No clear difference',
    sentence: `${now}, ${signed(gain.value)} points from the base’s ${base} (${sure}): no difference that this exam can show.`,
  };
}

/** The mean over samples where there are any, else the greedy answers. */
function chosenFigure({ evaluation }: IterationReport) {
  if (evaluation?.mean) return [`mean@${evaluation.samples}`, evaluation.mean] as const;
  return ['greedy', evaluation?.greedy ?? null] as const;
}
