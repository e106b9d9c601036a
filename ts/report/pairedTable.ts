import { createColors } from 'picocolors';
import type { Figure } from '../eval/figures.ts';
import type { PairedScores } from '../eval/pairedScores.ts';
import { columns, plural, wrap } from './text.ts';

const WIDEST = 100;
/** A p-value below which its digits say nothing. */
const SMALLEST = 1e-4;

/**
 * Two models on the same items, for people: each benchmark with both accuracies, the difference with its interval, and the
 * p-value as it is and adjusted for all of them.
 */
export function renderPairedTable(
  scores: PairedScores,
  names: { before: string; after: string },
  options: { colour: boolean; width: number },
): string {
  const { bold } = createColors(options.colour);
  const width = Math.min(WIDEST, options.width);
  const { benchmarks, averages, alone } = scores;
  const several = benchmarks.length > 1;
  const head = ['% right', 'items', 'A', 'B', 'B - A [95 % interval]', 'p', ...(several ? ['p, adjusted'] : [])];
  const rows = [
    ...benchmarks.map(({ title, metric, items, before, after, difference, pValue, adjusted, method, otherwise }) => [
      `${title}, ${metric}${otherwise ? ' (!)' : ''}`,
      String(items),
      before.toFixed(1),
      after.toFixed(1),
      signed(difference),
      `${chance(pValue)}${method === 'exact' ? '' : ' ~'}`,
      ...(several ? [chance(adjusted)] : []),
    ]),
    ...averages.map(({ group, benchmarks: count, before, after, difference }) => [
      `average of ${group} (${count})`,
      '',
      before.toFixed(1),
      after.toFixed(1),
      signed(difference),
    ]),
  ];
  const [first = '', ...lines] = columns(
    [head, ...rows],
    head.map((_, index) => index).filter((index) => index > 0),
  );
  const unpaired = benchmarks.filter((one) => one.unpaired > 0);
  const notes = [
    "p: two-sided, by flipping the signs of the differences item by item; McNemar's exact test where each item has one mark.",
    ...(several ? ['Adjusted (Holm): holds for all lines together.'] : []),
    ...(benchmarks.some(({ method }) => method === 'monte-carlo') ? ['~: of 9,999 random choices of signs.'] : []),
    ...(benchmarks.some(({ otherwise }) => otherwise)
      ? ['(!): the items were not asked, answered or graded in the same way; the difference is of that too.']
      : []),
    ...unpaired.map(
      ({ title, unpaired: count }) =>
        `${title}: ${plural(count, 'items')} that one of them alone was asked are left out.`,
    ),
    ...(['before', 'after'] as const).flatMap((side) =>
      alone[side].length === 0 ? [] : [`${side === 'before' ? 'A' : 'B'} alone sat ${alone[side].join(', ')}.`],
    ),
  ];
  const sections = [
    [bold(`A: ${names.before}`), bold(`B: ${names.after}`)],
    rows.length === 0 ? ['They have no items in common.'] : [bold(first), ...lines],
    notes.flatMap((note) => wrap(note, width)),
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function signed({ value, low, high }: Figure): string {
  const text = (number: number) => `${number > 0 ? '+' : ''}${number.toFixed(1)}`;
  return `${text(value)} [${text(low)}, ${text(high)}]`;
}

/** `0.032`, `<0.0001`. */
function chance(value: number): string {
  return value < SMALLEST ? `<${SMALLEST}` : value.toPrecision(2);
}
