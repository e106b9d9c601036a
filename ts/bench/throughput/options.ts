import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export const MODELS = ['nano', 'tiny', 'qwen3-0.6b', 'qwen3-1.7b', 'qwen3-4b'] as const;

/** What py_worker/train_step/throughput.py takes, under its names. */
export interface ThroughputOptions {
  model: (typeof MODELS)[number];
  /** Most tokens computed at once. */
  pack: number;
  /** Tokens of each sequence, and how many a step has. */
  sequence: number;
  sequences: number;
  /** Steps that count. */
  repeats: number;
  /** Compute activations again in the backward pass. */
  recompute: boolean;
  /** TFLOP/s that the device could do; MFU is the share of it that is reached. */
  peak?: number;
}

/**
 * Flags of the throughput bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): ThroughputOptions {
  const flags = values(args);
  const model = MODELS.find((name) => name === flags.model);
  if (model === undefined) {
    throw new UsageError(`--model is "${flags.model}": it must be one of ${MODELS.join(', ')}`);
  }
  const count = (flag: 'pack' | 'sequence' | 'sequences' | 'repeats', low: number, high: number): number => {
    const text = flags[flag];
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= low && value <= high) return value;
    throw new UsageError(`--${flag} is "${text}": it must be a whole number from ${low} to ${high}`);
  };
  const peak = flags.peak === undefined ? undefined : Number(flags.peak);
  if (peak !== undefined && !(peak > 0 && Number.isFinite(peak))) {
    throw new UsageError(`--peak is "${flags.peak}": it must be a number of TFLOP/s above 0`);
  }
  return {
    model,
    pack: count('pack', 1, 10_000_000),
    sequence: count('sequence', 2, 1_000_000),
    sequences: count('sequences', 1, 100_000),
    repeats: count('repeats', 1, 1000),
    recompute: flags.recompute,
    ...(peak === undefined ? {} : { peak }),
  };
}

function values(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        model: { type: 'string', default: 'tiny' },
        pack: { type: 'string', default: '2048' },
        sequence: { type: 'string', default: '256' },
        sequences: { type: 'string', default: '8' },
        repeats: { type: 'string', default: '5' },
        recompute: { type: 'boolean', default: false },
        peak: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
