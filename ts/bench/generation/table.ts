import type { Comparison } from './comparison.ts';
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

/** Tokens a second as a Markdown table; in brackets, how many times faster ours is. */
export function formatResults(results: readonly ShapeResult[]): string {
  const names = (['ours', 'generate', 'scored', 'vllm'] as const).filter((name) =>
    results.some(({ sides }) => sides[name]),
  );
  const ratios = (result: ShapeResult): Partial<Record<SideName, number | undefined>> => ({
    generate: result.ratioToGenerate,
    scored: result.ratioToScored,
    vllm: result.ratioToVllm,
  });
  const rows = results.map((result) => [
    result.shape,
    ...names.map((name) => {
      const side = result.sides[name];
      if (side === undefined) return '';
      const ratio = ratios(result)[name];
      return `${grouped(side.tokensPerSecond)}${ratio === undefined ? '' : ` (${ratio.toFixed(1)} x)`}`;
    }),
  ]);
  const head = ['tokens/s', ...names.map((name) => TITLES[name])];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function grouped(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US');
}
