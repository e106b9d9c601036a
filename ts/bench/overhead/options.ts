import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface OverheadOptions {
  /** Runs with and without, one after another. */
  pairs: number;
  preset: string;
  sets: string[];
}

/**
 * Flags of the overhead bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): OverheadOptions {
  const { pairs, preset, set } = read(args);
  if (!/^[1-9]\d{0,2}$/.test(pairs)) {
    throw new UsageError(`--pairs is "${pairs}": it must be a whole number from 1 to 999`);
  }
  return { pairs: Number(pairs), preset, sets: set };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        pairs: { type: 'string', default: '3' },
        preset: { type: 'string', default: 'embedded' },
        set: { type: 'string', multiple: true, default: [] },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
