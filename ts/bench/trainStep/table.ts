import type { Comparison, SideResult } from './comparison.ts';
import type { SideName } from './side.ts';

/** A shape as it was measured. */
export interface ShapeResult extends Comparison {
  shape: string;
  tokens: { real: number; rectangle: number };
}

const NAMES: Readonly<Record<SideName, string>> = { ours: 'rzero', trl: 'TRL', bare: 'bare PyTorch' };

/** Times and memory, and how far the numbers are apart, as Markdown tables. */
export function formatResults(results: readonly ShapeResult[]): string {
  const names = (['ours', 'trl', 'bare'] as const).filter((name) => results.some(({ sides }) => sides[name]));
  const others = names.filter((name) => name !== 'ours');
  const title = (name: SideName): string => NAMES[name];
  const costs = results.map(({ shape, tokens, sides }) => [
    shape,
    `${grouped(tokens.real)} of ${grouped(tokens.rectangle)}`,
    ...names.map((name) => seconds(name, sides[name])),
    ...names.map((name) => memory(sides[name])),
  ]);
  const differences = results.map(({ shape, sides, agrees }) => [
    shape,
    ...others.map((name) => apart(sides[name])),
    agrees ? 'yes' : 'NO',
  ]);
  return [
    table(['step', 'tokens', ...names.map(title), ...names.map((name) => `${title(name)}: memory`)], costs),
    table(['largest difference from rzero: gradient norms, movement', ...others.map(title), 'agree'], differences),
  ].join('\n\n');
}

function seconds(name: SideName, side: SideResult | undefined): string {
  if (side === undefined) return '';
  const shown = `${side.medianSeconds.toPrecision(3)} s`;
  return name === 'ours' ? shown : `${shown} (${side.ratio.toFixed(2)} x)`;
}

function memory(side: SideResult | undefined): string {
  if (side === undefined || side.stepMebibytes === null || side.peakMebibytes === null) return '';
  return `${grouped(side.stepMebibytes)} of ${grouped(side.peakMebibytes)} MiB`;
}

function apart(side: SideResult | undefined): string {
  return side === undefined
    ? ''
    : `${side.gradNormDifference.toExponential(1)}, ${side.movementDifference.toExponential(1)}`;
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
