import type { Account } from './fleet.ts';

/** How long a worker waited for the orchestrator, on average over workers; in seconds, of the whole run. */
export interface Waited {
  /**
   * From the last answer of a step until it has the first request of the next, less what the weights take in between:
   * the one who publishes them first, and then each of the others.
   */
  betweenSteps: number;
  /** Within steps, without work though there was more to come. */
  withinSteps: number;
}

/** What the account of the workers says, who cannot tell what in between took the time. */
export function waitedFor({ firsts, lasts, told, taken, idleSeconds }: Account, workers: number): Waited {
  let betweenSteps = 0;
  for (const [step, [count, sum]] of Object.entries(firsts)) {
    const last = lasts[Number(step) - 1];
    const [published = 0, ...others] = (told[step] ?? []).toSorted(ascending);
    const [had = 0, ...otherwise] = (taken[step] ?? []).toSorted(ascending);
    if (last === undefined) continue;
    betweenSteps += published - last;
    if (others.length > 0) betweenSteps += mean(others) - had;
    betweenSteps += sum / count - mean(otherwise.length > 0 ? otherwise : [had]);
  }
  return { betweenSteps, withinSteps: idleSeconds / workers };
}

function ascending(one: number, other: number): number {
  return one - other;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
