import { parseArgs } from 'node:util';
import { UsageError } from '../../cli/usage.ts';

export interface AnswersOptions {
  /** Made pairs of all kinds together. */
  pairs: number;
  seed: number;
  /** Pairs of the user's own in place of the made ones: JSON lines. */
  file: string | undefined;
  skipPeers: boolean;
  /** An environment's Python that has the peers; else one is made. */
  peers: string | undefined;
  /** Seconds after which a peer is killed. */
  limit: number;
  /** Folder of Math-Verify's tests; else they come with its source package. */
  upstream: string | undefined;
}

/**
 * Flags of the answers bench.
 * @throws UsageError naming the flag, the value seen and what is allowed
 */
export function parseOptions(args: readonly string[]): AnswersOptions {
  const flags = values(args);
  return {
    pairs: whole('--pairs', flags.pairs, 1, 1_000_000),
    seed: whole('--seed', flags.seed, 0, 2 ** 31),
    file: flags.file,
    skipPeers: flags['skip-peers'],
    peers: flags.peers,
    limit: whole('--limit', flags.limit, 1, 600),
    upstream: flags.upstream,
  };
}

function whole(flag: string, text: string, low: number, high: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= low && value <= high) return value;
  throw new UsageError(`${flag} is "${text}": it must be a whole number from ${low} to ${high}`);
}

function values(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        pairs: { type: 'string', default: '2000' },
        seed: { type: 'string', default: '1' },
        file: { type: 'string' },
        'skip-peers': { type: 'boolean', default: false },
        peers: { type: 'string' },
        limit: { type: 'string', default: '15' },
        upstream: { type: 'string' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
