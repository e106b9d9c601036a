import { randomBytes } from 'node:crypto';
import { Hub } from '../../worker/hub.ts';
import { Pool } from '../../worker/pool/pool.ts';
import { type Account, Fleet, type Pace } from './fleet.ts';
import { Gaps } from './gaps.ts';
import { type Costs, meter } from './meter.ts';
import type { OrchestratorOptions } from './options.ts';
import { type Done, takeSteps } from './steps.ts';

/** What a run's worth of steps came to, and cost. */
export interface Round extends Done, Costs {
  account: Account;
  /** Of this process between steps; see {@link Gaps}. */
  cpuBetweenSteps: number;
}

/**
 * Let workers dial in, and do all steps with them.
 *
 * @param pace what workers take for their work
 * @throws WorkerStartError when workers end that should not
 */
export async function doRound(python: string, options: OrchestratorOptions, pace: Pace): Promise<Round> {
  const hub = await Hub.bind();
  const pool = new Pool({}, async () => hub.close());
  const gaps = new Gaps();
  const token = randomBytes(32).toString('hex');
  const fleet = new Fleet(python, hub.endpoint, token, options, pace);
  try {
    const joined = new Promise<void>((resolve) => {
      const onJoin = (session: Parameters<Pool['add']>[0]): void => {
        pool.add(gaps.watched(session));
        if (pool.size === options.workers) resolve();
      };
      hub.invite(token, { single: false, onJoin });
    });
    await Promise.race([joined, fleet.lost]);
    const measured = meter();
    const done = await Promise.race([takeSteps(pool, options, gaps), fleet.lost]);
    return { ...done, ...measured(), cpuBetweenSteps: gaps.cpuSeconds, account: await fleet.end() };
  } finally {
    fleet.kill();
    await pool.close();
  }
}
