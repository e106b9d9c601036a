import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface WireOptions {
  /** How often each thing is timed; the small calls more often. */
  repeats: number;
}

/**
 * Flags of the wire bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): WireOptions {
  const { repeats } = values(args);
  if (!/^[1-9]\d{0,3}$/.test(repeats)) {
    throw new UsageError(`--repeats is "${repeats}": it must be a whole number from 1 to 9999`);
  }
  return { repeats: Number(repeats) };
}

function values(args: readonly string[]): { repeats: string } {
  try {
    return parseArgs({ args: [...args], options: { repeats: { type: 'string', default: '40' } } }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
