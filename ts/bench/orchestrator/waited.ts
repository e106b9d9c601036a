import type { Account } from './fleet.ts';

/** How long workers waited for the orchestrator, in seconds of the whole run. */
export interface Waited {
  /** From the last answer of a step until a worker has the first request of the next, on average over workers. */
  betweenSteps: number;
  /** Within steps, without work though there was more to come, on average over workers. */
  withinSteps: number;
}

/** What the account of the workers says, who cannot tell what in between took the time. */
export function waitedFor({ firsts, lasts, idleSeconds }: Account, workers: number): Waited {
  let betweenSteps = 0;
  for (const [step, [count, sum]] of Object.entries(firsts)) {
    const last = lasts[Number(step) - 1];
    if (last !== undefined) betweenSteps += sum / count - last;
  }
  return { betweenSteps, withinSteps: idleSeconds / workers };
}
