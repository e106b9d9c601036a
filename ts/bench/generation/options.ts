import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';
import { SHAPES, type Shape, type ShapeName } from './shapes.ts';

export const MODELS = ['embedded', 'nano', 'tiny', 'small'] as const;

export interface GenerationOptions {
  shapes: ShapeName[];
  /** What replaces a shape's own. */
  changes: Partial<Pick<Shape, 'prompts' | 'samples' | 'maxTokens'>>;
  model: (typeof MODELS)[number];
  /** Rounds that count, of each side. */
  repeats: number;
  /** Compute threads of each side. */
  threads: number;
  /** Rows that decode side by side at most; vLLM's are its own. */
  rows: number;
  topP: number;
  seed: number;
  /** A Python with vLLM; undefined: that of `npm run setup:vllm`, where it was run. */
  vllm: string | undefined;
  skipVllm: boolean;
}

/**
 * Flags of the generation bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): GenerationOptions {
  const flags = values(args);
  if (flags.vllm !== undefined && flags['skip-vllm']) {
    throw new UsageError('--vllm names a Python to measure: it must be without --skip-vllm');
  }
  const given = {
    prompts: optional('--prompts', flags.prompts, 1000),
    samples: optional('--samples', flags.samples, 4096),
    maxTokens: optional('--max-tokens', flags['max-tokens'], 200),
  };
  return {
    shapes: flags.shapes.split(',').map((name) => oneOf('--shapes', name, Object.keys(SHAPES) as ShapeName[])),
    changes: Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    model: oneOf('--model', flags.model, MODELS),
    repeats: whole('--repeats', flags.repeats, 1, 1000),
    threads: whole('--threads', flags.threads, 1, 1024),
    rows: whole('--rows', flags.rows, 1, 4096),
    topP: share('--top-p', flags['top-p']),
    seed: whole('--seed', flags.seed, 0, 2 ** 32 - 1),
    vllm: flags.vllm,
    skipVllm: flags['skip-vllm'],
  };
}

function oneOf<Value extends string>(flag: string, text: string, allowed: readonly Value[]): Value {
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UsageError(`${flag} is "${text}": it must be one of ${allowed.join(', ')}`);
}

function optional(flag: string, text: string | undefined, high: number): number | undefined {
  return text === undefined ? undefined : whole(flag, text, 1, high);
}

function whole(flag: string, text: string, low: number, high: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new UsageError(`${flag} is "${text}": it must be a whole number from ${low} to ${high}`);
}

function share(flag: string, text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 1) return value;
  throw new UsageError(`${flag} is "${text}": it must be a number above 0, at most 1`);
}

function values(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        shapes: { type: 'string', default: Object.keys(SHAPES).join(',') },
        prompts: { type: 'string' },
        samples: { type: 'string' },
        'max-tokens': { type: 'string' },
        model: { type: 'string', default: 'embedded' },
        repeats: { type: 'string', default: '5' },
        threads: { type: 'string', default: '1' },
        rows: { type: 'string', default: '512' },
        'top-p': { type: 'string', default: '1' },
        seed: { type: 'string', default: '0' },
        vllm: { type: 'string' },
        'skip-vllm': { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
