import type { RunSummary } from './runSummary.ts';

/**
 * The iteration whose Solver did best by the mean over samples, of equals the first; undefined where none did better than
 * the last one.
 */
export function betterThanLast({ evaluations }: RunSummary): number | undefined {
  const trained = evaluations.flatMap(({ iteration, scores }) => {
    const value = scores.mean?.value;
    return iteration === 0 || value == null ? [] : [{ iteration, value }];
  });
  const [first, ...rest] = trained;
  if (first === undefined) return undefined;
  const best = rest.reduce((most, one) => (one.value > most.value ? one : most), first);
  return best.value > (trained.at(-1)?.value as number) ? best.iteration : undefined;
}
