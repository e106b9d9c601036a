import { best, type FigureHistory, figure, percent, present } from './figures.ts';
import type { LabelsRule } from './rules.ts';

/** Figures that are audited, and what they are of. */
const AUDITED = [
  ['labelAccuracy', 'labelsAudited', 'audited labels'],
  ['probeAccuracy', 'probeQuestions', 'probe answers'],
] as const;

/**
 * Decay of pseudo-labels. In the paper they were right in 79, 69 and 63 % of 200 audited questions at steps 15, 30 and 45,
 * and the Solver collapsed at step 60 (R-Zero, table 5 and its collapse). OpenSIR (arXiv 2511.00602) had fewer valid
 * questions and a worse model the less agreement it asked for.
 */
export function labels(history: FigureHistory, rule: LabelsRule): string | undefined {
  const found = AUDITED.flatMap(([name, count, what]) => {
    const right = figure(present(history), name);
    if (right === undefined) return [];
    const most = best(history, name);
    const fell = most !== undefined && most.value - right > rule.fall;
    if (!fell && right >= rule.floor) return [];
    const of = figure(present(history), count);
    const before = fell ? `, after ${percent(most.value)} in iteration ${most.iteration}` : '';
    return [`${percent(right)} of ${of === undefined ? '' : `${of} `}${what} are right${before}`];
  });
  if (found.length === 0) return undefined;
  return (
    `${found.join('; ')}: the Solver is taught what is wrong. Take the best Solver so far (rzero export), keep questions ` +
    'that it is surer of (a higher questions.center), or ask for more votes (questions.votes)'
  );
}
