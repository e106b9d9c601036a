import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface OrchestratorOptions {
  /** Mock workers, and the processes that they are spread over. */
  workers: number;
  processes: number;
  /** Samples in all, of a step, and of a request. */
  samples: number;
  stepSamples: number;
  requestSamples: number;
  /** Tokens of a sample. */
  tokens: number;
  /** Samples that a worker says it decodes side by side. */
  rows: number;
  /** What a worker takes for a sample when it keeps the pace of a run; 0: no round at that pace. */
  secondsPerSample: number;
}

const WHOLE = {
  workers: { standard: 1_000, most: 10_000 },
  processes: { standard: 2, most: 64 },
  samples: { standard: 1_000_000, most: 1_000_000_000 },
  'step-samples': { standard: 20_480, most: 10_000_000 },
  'request-samples': { standard: 8, most: 100_000 },
  tokens: { standard: 128, most: 1_000_000 },
  rows: { standard: 64, most: 2 ** 20 },
} as const;

/** 1,000 tokens at 5,000 tokens/s. */
const SECONDS_PER_SAMPLE = '0.2';

/**
 * Flags of the orchestrator bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): OrchestratorOptions {
  const given = values(args);
  const whole = (name: keyof typeof WHOLE): number => {
    const { standard, most } = WHOLE[name];
    const text = given[name] ?? String(standard);
    const value = Number(text);
    if (/^[1-9]\d*$/.test(text) && value <= most) return value;
    throw new UsageError(`--${name} is "${text}": it must be a whole number from 1 to ${most}`);
  };
  const pace = given['seconds-per-sample'] ?? SECONDS_PER_SAMPLE;
  if (!/^\d+(\.\d+)?$/.test(pace) || Number(pace) > 3600) {
    throw new UsageError(`--seconds-per-sample is "${pace}": it must be a number from 0 to 3600`);
  }
  return {
    workers: whole('workers'),
    processes: Math.min(whole('processes'), whole('workers')),
    samples: whole('samples'),
    stepSamples: whole('step-samples'),
    requestSamples: whole('request-samples'),
    tokens: whole('tokens'),
    rows: whole('rows'),
    secondsPerSample: Number(pace),
  };
}

function values(args: readonly string[]): Partial<Record<keyof typeof WHOLE | 'seconds-per-sample', string>> {
  const text = { type: 'string' } as const;
  try {
    const names = [...Object.keys(WHOLE), 'seconds-per-sample'];
    return parseArgs({ args: [...args], options: Object.fromEntries(names.map((name) => [name, text])) }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
