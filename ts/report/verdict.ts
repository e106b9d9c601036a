import type { Comparison, Gain } from '../eval/compare.ts';
import type { RunSummary } from './runSummary.ts';
import { plural } from './text.ts';

/** Share of the newly right problems within the base's reach from which on a gain is said to have been there before. */
const MOSTLY = 0.8;
/** Percentage points from which on a part of a gain is worth a word. */
const WORTH_A_WORD = 1;

/**
 * What a run came to, in a sentence or two that its figures bear out. The gain is that of a single
 * sampled answer, or of the greedy one where nothing was sampled; it counts as one only when its 95 %
 * interval is above 0.
 */
export function verdict({ evaluations }: RunSummary): string {
  const base = evaluations.find(({ iteration }) => iteration === 0)?.scores;
  const last = evaluations.at(-1);
  const name = last?.gain?.mean === undefined ? 'greedy' : 'mean';
  const gain = last?.gain?.[name];
  const [from, to] = [base?.[name]?.value, last?.scores[name]?.value];
  if (last?.gain == null || gain === undefined || from === undefined || to === undefined) {
    return 'Nothing to compare: no iteration was evaluated beside the base model.';
  }
  const { value, low, high } = gain.figure;
  const title = name === 'mean' ? `mean@${last.scores.samples}` : 'greedy accuracy';
  const outcome = `after ${plural(last.iteration, 'iterations')} ${title} is ${points(to)} %`;
  const interval = `95 % interval ${points(low)} to ${points(high)}`;
  if (low <= 0 && high >= 0) {
    const change = `${value < 0 ? '' : '+'}${points(value)} points`;
    return `No gain: ${outcome}, the base's ${points(from)} %; the difference of ${change} is within noise (${interval}).`;
  }
  if (high < 0) {
    return `Worse: ${outcome}, down ${points(-value)} points from the base's ${points(from)} % (${interval})${causes(gain)}.`;
  }
  const sentence = `Better: ${outcome}, up ${points(value)} points from the base's ${points(from)} % (${interval})${causes(gain)}.`;
  return [sentence, ...origin(last.gain, gain)].join(' ');
}

/** Where a change came from, as the end of a sentence. */
function causes({ parts }: Gain): string {
  if (parts === undefined) return '';
  const { choosing, slips } = parts;
  const often = choosing < 0 ? 'less' : 'more';
  const right = slips < 0 ? 'more' : 'fewer';
  return `: ${signed(choosing)} from working problems out ${often} often, ${signed(slips)} from ${right} slips`;
}

/** Whether the gain was in the base model already, as far as its recorded answers tell. */
function origin({ withinReach }: Comparison, { parts }: Gain): string[] {
  if (withinReach === null) return [];
  const share = `${Math.floor(100 * withinReach)} %`;
  if (withinReach < MOSTLY) {
    return [`Of the problems it now answers right, the base had answered only ${share} right at least once.`];
  }
  const verbs = [
    ...((parts?.choosing ?? 0) >= WORTH_A_WORD ? ['elicits'] : []),
    ...((parts?.slips ?? 0) >= WORTH_A_WORD ? ['sharpens'] : []),
  ];
  if (verbs.length === 0) return [];
  return [
    `The run ${verbs.join(' and ')} what the base already had: ` +
      `of the problems it now answers right, the base had answered ${share} right at least once.`,
  ];
}

function points(value: number): string {
  return value.toFixed(1).replace(/^-0\.0$/, '0.0');
}

function signed(value: number): string {
  const text = points(value);
  return text.startsWith('-') ? text : `+${text}`;
}
