import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from '../../worker/pool/pool.ts';
import { postsByCount } from '../../worker/post.ts';
import { startWorkers } from '../../worker/startWorkers.ts';
import { forwardParams, MODEL } from './payloads.ts';
import { programPath } from './side.ts';
import { quantile } from './timing.ts';

/** What a pool of workers that compute nothing gets done. */
export interface Throughput {
  workers: number;
  requestsPerSecond: number;
  tokensPerSecond: number;
}

export interface ThroughputOptions {
  python: string;
  /** Sizes of the pools; their rounds alternate. */
  workers: readonly number[];
  /** Of a request. */
  tokens: number;
  /** Of a round. */
  requests: number;
  rounds: number;
}

/** Measure pools of different sizes in turns. Medians over rounds. */
export async function measureThroughput(options: ThroughputOptions): Promise<Throughput[]> {
  const { tokens, requests, rounds } = options;
  const sharedFolder = mkdtempSync(join(tmpdir(), 'rzero-wire-'));
  const pools: Pool[] = [];
  try {
    for (const count of options.workers) pools.push(await startPool(options.python, count, sharedFolder));
    const seconds = pools.map(() => [] as number[]);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, pool] of pools.entries()) seconds[index]?.push(await timeRound(pool, tokens, requests));
    }
    return pools.map(({ size }, index) => {
      const requestsPerSecond = Math.round(requests / quantile(seconds[index] ?? [], 0.5));
      return { workers: size, requestsPerSecond, tokensPerSecond: requestsPerSecond * tokens };
    });
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
    rmSync(sharedFolder, { recursive: true, force: true });
  }
}

async function startPool(python: string, count: number, sharedFolder: string): Promise<Pool> {
  const program = [programPath('echo.py')];
  const pool = await startWorkers({
    python,
    backend: 'mock',
    threads: 1,
    program,
    posts: postsByCount(count),
    sharedFolder,
  });
  // Nobody trains it, so any worker may be asked.
  await pool.loadModel({ modelId: MODEL, source: MODEL, trainable: false, seed: 0 });
  await timeRound(pool, 16, 8 * count); // each worker loads the model when it is first asked
  return pool;
}

/** Seconds that a round takes, all of its requests made at once. */
async function timeRound(pool: Pool, tokens: number, requests: number): Promise<number> {
  const params = forwardParams(1, tokens);
  const begun = performance.now();
  await Promise.all(Array.from({ length: requests }, () => pool.forward(params)));
  return (performance.now() - begun) / 1000;
}
