import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface ChaosOptions {
  /** How long runs are disturbed; the one that is under way then comes to its end. */
  seconds: number;
  /** Which faults happen when. */
  seed: number;
  /** Of the runs. */
  preset: string;
  sets: string[];
  /** Mean seconds between faults; 0 for a tenth of the undisturbed run. */
  every: number;
}

/**
 * Flags of the chaos bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): ChaosOptions {
  const values = read(args);
  return {
    seconds: number('--seconds', values.seconds),
    seed: number('--seed', values.seed),
    preset: values.preset,
    sets: values.set,
    every: number('--every', values.every),
  };
}

function read(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: { type: 'string', default: '600' },
        seed: { type: 'string', default: '1' },
        preset: { type: 'string', default: 'embedded' },
        set: { type: 'string', multiple: true, default: [] },
        every: { type: 'string', default: '0' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function number(flag: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`${flag} is "${text}": it must be a number from 0 on`);
  return Number(text);
}
