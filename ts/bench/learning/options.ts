import { parseArgs } from 'node:util';
import { loadConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { ARMS, type Arm } from '../../domain/settings.ts';

/** A flag that cannot be used as given. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What to run, and where. */
export interface LearningOptions {
  seeds: number[];
  arms: Arm[];
  /** Folder of the runs. */
  out: string;
  /** Runs at a time; each takes one core. */
  jobs: number;
  /** Configuration of one run. */
  configOf(arm: Arm, seed: number): Config;
}

/**
 * Flags of the learning bench.
 *
 * @param defaultOut where runs go without `--out`
 * @throws UsageError, ConfigError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[], defaultOut: string): LearningOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '5' },
      arms: { type: 'string', default: ARMS.join(',') },
      out: { type: 'string', default: defaultOut },
      jobs: { type: 'string', default: '1' },
      preset: { type: 'string', default: 'embedded' },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  const { preset, set } = values;
  const configOf = (arm: Arm, seed: number) => loadConfig({ preset, sets: [...set, `arm=${arm}`, `seed=${seed}`] });
  configOf('full', 1); // a wrong option is told before the first run, not in it
  return {
    seeds: Array.from({ length: count('seeds', values.seeds) }, (_, index) => index + 1),
    arms: values.arms.split(',').map(armOf),
    out: values.out,
    jobs: count('jobs', values.jobs),
    configOf,
  };
}

function count(name: string, value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value))
    throw new UsageError(`--${name} is "${value}": it must be a whole number from 1 to 9999`);
  return Number(value);
}

function armOf(name: string): Arm {
  const arm = ARMS.find((one) => one === name);
  if (arm === undefined) throw new UsageError(`--arms holds "${name}": it must be some of ${ARMS.join(', ')}`);
  return arm;
}
