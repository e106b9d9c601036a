import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface ReportBenchOptions {
  questions: number;
  /** Answers a question, and characters of each. */
  samples: number;
  length: number;
  /** Where the run is left; a temporary folder, which goes, where it is absent. */
  out?: string;
}

/**
 * Flags of the report bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): ReportBenchOptions {
  const { questions, samples, length, out } = values(args);
  return {
    questions: count('questions', questions, 24),
    samples: count('samples', samples, 1),
    length: count('length', length, 1),
    ...(out === undefined ? {} : { out }),
  };
}

function count(name: string, value: string, least: number): number {
  if (!/^\d{1,7}$/.test(value) || Number(value) < least) {
    throw new UsageError(`--${name} is "${value}": it must be a whole number from ${least} to 9999999`);
  }
  return Number(value);
}

function values(args: readonly string[]) {
  const text = (value: string) => ({ type: 'string' as const, default: value });
  try {
    const options = {
      questions: text('100000'),
      samples: text('10'),
      length: text('400'),
      out: { type: 'string' as const },
    };
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
