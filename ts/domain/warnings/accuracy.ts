import { earlier, type FigureHistory, figure, percent, present } from './figures.ts';
import type { AccuracyRule } from './rules.ts';

/** The 97.5 % quantile of the standard normal distribution. */
const Z_95 = 1.96;

/**
 * The Solver's held-out accuracy (mean@k) fell below its best by more than the 95 % interval of the difference, as if the
 * two exams were not paired: a cautious interval. The paper's fell from 49.07 to 46.52 at step 60.
 */
export function accuracy(history: FigureHistory, rule: AccuracyRule): string | undefined {
  const now = present(history);
  const value = figure(now, 'mean');
  const error = figure(now, 'meanError');
  if (now.phase !== 'evaluation' || value === undefined || error === undefined) return undefined;
  const errors = earlier(history, 'meanError');
  // By iteration, since an exam of an older program has no error on record.
  const clearly = earlier(history, 'mean').filter((before) => {
    const other = errors.find(({ iteration }) => iteration === before.iteration);
    if (other === undefined) return false;
    return before.value - value > rule.intervals * Z_95 * Math.hypot(error, other.value);
  });
  const [first, ...rest] = clearly;
  if (first === undefined) return undefined;
  const most = rest.reduce((best, one) => (one.value > best.value ? one : best), first);
  const of = most.iteration === 0 ? "the base's" : `that of iteration ${most.iteration},`;
  return (
    `held-out accuracy is ${percent(value)}, below ${of} ${percent(most.value)}, by more than chance: the Solver gets ` +
    'worse. Take the best one so far (rzero export), and stop here'
  );
}
