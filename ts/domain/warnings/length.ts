import { earlier, type FigureHistory, figure, percent, present } from './figures.ts';
import type { LengthRule } from './rules.ts';

/** What has a length, in which unit, and which threshold it has. */
const LENGTHS = [
  ['questionLength', 'questions', 'characters', 'questions'],
  ['answerLength', 'answers', 'characters', 'answers'],
  ['meanLength', 'answers', 'tokens', 'answers'],
] as const;
const CUT = [
  ['cutOff', 'samples'],
  ['answersCutOff', 'answers'],
] as const;

/**
 * Inflation of length: R-Few (arXiv 2512.02472) saw R-Zero's questions grow longer and longer, which reward takes for
 * hard; and a sample that is cut off has no answer.
 */
export function length(history: FigureHistory, rule: LengthRule): string | undefined {
  const now = present(history);
  const grown = LENGTHS.flatMap(([name, what, unit, option]) => {
    // Of the Challenger's texts, its questions count.
    if (name === 'meanLength' && now.phase !== 'solver') return [];
    const value = figure(now, name);
    const [first] = earlier(history, name);
    if (value === undefined || first === undefined || first.value <= 0) return [];
    const from = `from ${first.value.toFixed(0)} ${unit} on average at first to ${value.toFixed(0)}`;
    return value > rule[option] * first.value ? [`${what} grew ${from}`] : [];
  });
  const cut = CUT.flatMap(([name, what]) => {
    const share = figure(now, name);
    return share !== undefined && share > rule.cut ? [`${percent(share)} of the ${what} are cut off at maxTokens`] : [];
  });
  if (grown.length + cut.length === 0) return undefined;
  return (
    `${[...grown, ...cut].join('; ')}: length may stand for difficulty. Read some, bound it ` +
    '(questions.maxCharacters, credit.overlong), or raise maxTokens where good samples are cut off'
  );
}
