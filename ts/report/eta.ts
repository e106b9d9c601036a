import type { Phase } from '../ports/reporter.ts';

/** What of a run's shape its duration depends on. */
export interface RunShape {
  iterations: number;
  trainsChallenger: boolean;
}

/** How far a phase is at a moment. */
export interface Mark {
  /** Seconds since it began. */
  elapsed: number;
  /** Share of it that is done, [0, 1]. */
  share: number;
}

/** Below this nothing is said: a start says little of the rest. */
const LEAST_SHARE = 0.05;
const LEAST_SECONDS = 1;

/**
 * Seconds that a phase has left, at its own pace, or where that says nothing yet as long as such phases take.
 *
 * @param since from where on it makes its own pace: what an earlier attempt did comes at once
 * @param usual seconds that such a phase takes, where one was done
 * @returns undefined where nothing is known
 */
export function phaseLeft(now: Mark, since: Mark, usual?: number): number | undefined {
  const done = now.share - since.share;
  const seconds = now.elapsed - since.elapsed;
  const left = 1 - now.share;
  if (left <= 0) return 0;
  if (done >= LEAST_SHARE && seconds >= LEAST_SECONDS) return (seconds / done) * left;
  if (usual === undefined) return undefined;
  const rest = usual * (1 - since.share) - seconds;
  return rest > 0 ? rest : undefined;
}

/** Seconds that phases of a kind take, by those that were done: the middle one, of two the longer; undefined of none. */
export function usualSeconds(seconds: readonly number[]): number | undefined {
  return [...seconds].sort((a, b) => a - b)[Math.floor(seconds.length / 2)];
}

/** The phases that come after one, in order. */
export function phasesAfter({ iterations, trainsChallenger }: RunShape, iteration: number, phase: Phase): Phase[] {
  const cycle: Phase[] = [...(trainsChallenger ? (['challenger'] as const) : []), 'questions', 'solver', 'evaluation'];
  const own = iteration === 0 ? [] : cycle.slice(cycle.indexOf(phase) + 1);
  return [...own, ...Array.from({ length: Math.max(0, iterations - iteration) }, () => cycle).flat()];
}

/**
 * Seconds that a run has left: the rest of its phase, and all phases that come.
 *
 * @param phase the one that is under way
 * @param left seconds that it has left
 * @param taken seconds that phases took, by kind; those of the one under way count as they are expected to be
 * @returns undefined where a kind of phase is to come of which none has been
 */
export function runLeft(
  coming: readonly Phase[],
  phase: Phase,
  { elapsed, left }: { elapsed: number; left: number | undefined },
  taken: ReadonlyMap<Phase, readonly number[]>,
): number | undefined {
  if (left === undefined) return undefined;
  let sum = left;
  for (const kind of coming) {
    const usual = usualSeconds(taken.get(kind) ?? []) ?? (kind === phase ? elapsed + left : undefined);
    if (usual === undefined) return undefined;
    sum += usual;
  }
  return sum;
}
