import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface SimulateOptions {
  /** One iteration at an eighth of the sizes, and the two layouts of eight GPUs alone. */
  quick: boolean;
  /** Also what each of the eight GPUs does, as text. */
  timeline: boolean;
}

/**
 * Flags of the simulate bench.
 * @throws UsageError naming the flag
 */
export function parseOptions(args: readonly string[]): SimulateOptions {
  try {
    return parseArgs({
      args: [...args],
      options: { quick: { type: 'boolean', default: false }, timeline: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
