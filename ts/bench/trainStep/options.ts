import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';
import { SHAPES, type ShapeName } from './shapes.ts';

export const MODELS = ['nano', 'tiny', 'small'] as const;
export const LOSSES = ['dapo', 'grpo', 'dr_grpo', 'cispo'] as const;

export interface TrainStepOptions {
  shapes: ShapeName[];
  /** Steps that count, of each side. */
  repeats: number;
  /** Compute threads of each side; undefined: 1, or the fixture's. */
  threads: number | undefined;
  model: (typeof MODELS)[number];
  /** Completions of a jittered shape are shorter by up to this share. */
  jitter: number;
  /** As TRL names it. */
  loss: (typeof LOSSES)[number];
  seed: number;
  /** A Python with TRL; undefined: the bench makes an environment. */
  trl: string | undefined;
  skipTrl: boolean;
  /** A folder from which our side alone takes its steps. */
  fixture: string | undefined;
  /** Write here what TRL says of a few small steps, for the tests. */
  makeGolden: string | undefined;
}

/**
 * Flags of the train-step bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): TrainStepOptions {
  const flags = values(args);
  if (flags['make-golden'] !== undefined && flags['skip-trl']) {
    throw new UsageError('--make-golden takes its numbers from TRL: it must be without --skip-trl');
  }
  return {
    shapes: flags.shapes.split(',').map((name) => oneOf('--shapes', name, Object.keys(SHAPES) as ShapeName[])),
    repeats: number('--repeats', flags.repeats, 1, 1000),
    threads: flags.threads === undefined ? undefined : number('--threads', flags.threads, 1, 1024),
    model: oneOf('--model', flags.model, MODELS),
    jitter: number('--jitter', flags.jitter, 0, 0.9, 'a number'),
    loss: oneOf('--loss', flags.loss, LOSSES),
    seed: number('--seed', flags.seed, 0, 2 ** 32 - 1),
    trl: flags.trl,
    skipTrl: flags['skip-trl'],
    fixture: flags.fixture,
    makeGolden: flags['make-golden'],
  };
}

function oneOf<Value extends string>(flag: string, text: string, allowed: readonly Value[]): Value {
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  throw new UsageError(`${flag} is "${text}": it must be one of ${allowed.join(', ')}`);
}

function number(flag: string, text: string, low: number, high: number, kind = 'a whole number'): number {
  const form = kind === 'a whole number' ? /^\d{1,10}$/ : /^\d*\.?\d+$/;
  const value = form.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new UsageError(`${flag} is "${text}": it must be ${kind} from ${low} to ${high}`);
}

function values(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        shapes: { type: 'string', default: Object.keys(SHAPES).join(',') },
        repeats: { type: 'string', default: '8' },
        threads: { type: 'string' },
        model: { type: 'string', default: 'tiny' },
        jitter: { type: 'string', default: '0.8' },
        loss: { type: 'string', default: 'dapo' },
        seed: { type: 'string', default: '0' },
        trl: { type: 'string' },
        'skip-trl': { type: 'boolean', default: false },
        fixture: { type: 'string' },
        'make-golden': { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
