import type { Comparison, SideResult } from './comparison.ts';
import type { SideName } from './measure.ts';

/** A shape as it was measured. */
export interface ShapeResult extends Comparison {
  shape: string;
  versions: Record<string, string>;
  /** Why a side was left out. */
  skipped: Partial<Record<SideName, string>>;
}

const TITLES: Readonly<Record<SideName, string>> = {
  ours: 'rzero',
  generate: 'generate',
  scored: 'generate with log-probs',
  vllm: 'vLLM',
};

/** Tokens a second, and a processor's second, as Markdown tables; in brackets, how many times faster ours is. */
export function formatResults(results: readonly ShapeResult[]): string {
  return [
    table('tokens/s', results, (side) => [side.tokensPerSecond, side.ratio]),
    table('tokens per processor second', results, (side) => [side.tokensPerProcessorSecond, side.processorRatio]),
  ].join('\n\n');
}

function table(
  title: string,
  results: readonly ShapeResult[],
  measure: (side: SideResult) => [rate: number, ratio: number],
): string {
  const names = (['ours', 'generate', 'scored', 'vllm'] as const).filter((name) =>
    results.some(({ sides }) => sides[name]),
  );
  const cell = (name: SideName, side: SideResult | undefined): string => {
    if (side === undefined) return '';
    const [rate, ratio] = measure(side);
    return name === 'ours' ? grouped(rate) : `${grouped(rate)} (${ratio.toFixed(1)} x)`;
  };
  const rows = results.map(({ shape, sides }) => [shape, ...names.map((name) => cell(name, sides[name]))]);
  const head = [title, ...names.map((name) => TITLES[name])];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function grouped(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}
