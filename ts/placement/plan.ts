import type { Wishes } from './candidates.ts';
import { attempts, type Fit } from './fit.ts';
import { type Cluster, gpusUsed, type Layout, workersOf } from './layout.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ModelShape } from './shape.ts';
import type { Workload } from './workload.ts';

/** The layout that is taken. */
export interface Plan extends Fit {
  /** The fastest of each other kind that fits, and the seconds of its iteration. */
  others: readonly { layout: Layout; seconds: number }[];
}

/** Layouts that are slower than the fastest by less than this share are as fast: then the simpler is taken. */
const TIE = 0.01;

/**
 * Decide who samples and who trains. Tried are: one worker that does both on one GPU; all GPUs sampling, and some or
 * all of them training, at once where both fit and else in turns; some GPUs training and the others sampling. Of those
 * that fit, the one with the shortest iteration is taken; of equal ones, the one with the fewest workers, then GPUs.
 *
 * @throws PlacementError for wishes that no cluster of this kind could meet, by name
 */
export function decide(cluster: Cluster, shape: ModelShape, workload: Workload, wishes: Wishes): Plan | Refusal {
  const { fits, misfits } = attempts(cluster, shape, workload, wishes);
  const best = fastest(fits);
  if (best !== undefined) return { ...best, others: othersOf(fits, best) };
  return refuse(cluster, shape, workload, wishes, misfits);
}

/** Whether a decision is to refuse. */
export function isRefusal(decision: Plan | Refusal): decision is Refusal {
  return 'reason' in decision;
}

function fastest(fits: readonly Fit[]): Fit | undefined {
  const least = Math.min(...fits.map(({ estimate }) => estimate.seconds));
  const simplest = (a: Fit, b: Fit): number =>
    workersOf(a.layout) - workersOf(b.layout) ||
    gpusUsed(a.layout) - gpusUsed(b.layout) ||
    Number(a.layout.turns) - Number(b.layout.turns) ||
    a.estimate.seconds - b.estimate.seconds;
  return fits.filter(({ estimate }) => estimate.seconds <= least * (1 + TIE)).sort(simplest)[0];
}

/** The fastest of each kind but the chosen one's, the fastest first. */
function othersOf(fits: readonly Fit[], { layout }: Fit): Plan['others'] {
  const kindOf = ({ kind, single, turns }: Layout): string => `${kind} ${single} ${turns}`;
  const best = new Map<string, { layout: Layout; seconds: number }>();
  for (const { layout, estimate } of fits) {
    const kind = kindOf(layout);
    if (estimate.seconds < (best.get(kind)?.seconds ?? Number.POSITIVE_INFINITY)) {
      best.set(kind, { layout, seconds: estimate.seconds });
    }
  }
  best.delete(kindOf(layout));
  return [...best.values()].sort((a, b) => a.seconds - b.seconds);
}
