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
  /** What a worker of the run that this stands for takes for a sample, its rows side by side; 0: no round at that pace. */
  sampleSeconds: number;
  /** What it takes for new weights. */
  loadSeconds: number;
  /** How many times faster than life the round at that pace goes. */
  hurry: number;
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

/**
 * Of the run that the paced round stands for: 1,000 tokens a sample at 5,000 tokens/s over 64 rows, 8 GB of weights at 2
 * GB/s.
 */
const SECONDS = { 'sample-seconds': '12.8', 'load-seconds': '4', hurry: '8' } as const;

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
  const decimal = (name: keyof typeof SECONDS): number => {
    const text = given[name] ?? SECONDS[name];
    if (/^\d+(\.\d+)?$/.test(text) && Number(text) <= 3600) return Number(text);
    throw new UsageError(`--${name} is "${text}": it must be a number from 0 to 3600`);
  };
  const hurry = decimal('hurry');
  if (hurry === 0) throw new UsageError('--hurry is "0": it must be a number above 0, at most 3600');
  return {
    workers: whole('workers'),
    processes: Math.min(whole('processes'), whole('workers')),
    samples: whole('samples'),
    stepSamples: whole('step-samples'),
    requestSamples: whole('request-samples'),
    tokens: whole('tokens'),
    rows: whole('rows'),
    sampleSeconds: decimal('sample-seconds'),
    loadSeconds: decimal('load-seconds'),
    hurry,
  };
}

function values(args: readonly string[]): Partial<Record<keyof typeof WHOLE | keyof typeof SECONDS, string>> {
  const text = { type: 'string' } as const;
  try {
    const names = [...Object.keys(WHOLE), ...Object.keys(SECONDS)];
    return parseArgs({ args: [...args], options: Object.fromEntries(names.map((name) => [name, text])) }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
