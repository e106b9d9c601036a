import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';
import { SETS, type SetName } from './questions.ts';

/** One measurement of ours, in a process of its own. */
export interface Task {
  set: SetName;
  questions: number;
}

export interface RewardsOptions {
  /** A Python with NLTK and scikit-learn; undefined: the bench makes an environment. */
  python: string | undefined;
  /** Sizes at which ours is measured. */
  sizes: number[];
  /** Sizes at which the reference is measured; larger ones of {@link REFERENCE_SIZES} are extrapolated. */
  reference: number[];
  /** Only this measurement, as JSON on stdout. */
  only: Task | undefined;
}

/** The sizes at which both are set side by side. */
export const REFERENCE_SIZES = [512, 2048];

/**
 * Flags of the rewards bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): RewardsOptions {
  const { python, sizes, reference, only } = values(args);
  return {
    python,
    sizes: parseSizes('--sizes', sizes),
    reference: parseSizes('--reference', reference),
    only: only === undefined ? undefined : parseTask(only),
  };
}

function values(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        python: { type: 'string' },
        sizes: { type: 'string', default: '512,2048,8192' },
        reference: { type: 'string', default: '512' },
        only: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseSizes(flag: string, list: string): number[] {
  const sizes = list.split(',');
  if (!sizes.every((size) => /^[1-9]\d{0,4}$/.test(size))) {
    throw new UsageError(`${flag} is "${list}": it must be whole numbers from 1 to 99999 with commas between`);
  }
  return sizes.map(Number).sort((a, b) => a - b);
}

function parseTask(only: string): Task {
  const [set = '', size = ''] = only.split(':');
  if (!(set in SETS) || !/^[1-9]\d{0,4}$/.test(size)) {
    throw new UsageError(`--only is "${only}": it must be SET:SIZE, with SET one of ${Object.keys(SETS).join(', ')}`);
  }
  return { set: set as SetName, questions: Number(size) };
}
