import { InvalidArgument } from './errors.ts';
import type { Vote } from './vote.ts';

/** What the band makes of a question. */
export type Fate = 'kept' | 'too_easy' | 'too_hard' | 'no_label';

/** The shares that are kept: |p - center| <= delta. */
export interface Band {
  /** In [0, 1]; 1/2 in the paper. */
  readonly center: number;
  /** Half the band's width, in [0, 1/2]. */
  readonly delta: number;
}

/** Far above the rounding of delta * samples, far below the step of 1 that votes make. */
const TOLERANCE = 1e-9;

/**
 * The band filter (R-Zero, "Solver data curation"): a question is kept iff |p - center| <= delta, bounds
 * included. With center 0.5 and delta 0.25 those are 3 to 7 votes of 10, or 2 to 6 of 8. Compared in votes
 * (|votes - center samples| <= delta samples), so that 1/2 - 0.3 <= 0.2 cannot fail by a rounding.
 *
 * @returns `too_easy` above the band, `too_hard` below it, `no_label` when there is no label
 */
export function bandFate(vote: Pick<Vote, 'label' | 'votes' | 'samples'>, band: Band): Fate {
  requireBand(band);
  if (vote.label === null) return 'no_label';
  const excess = vote.votes - band.center * vote.samples;
  if (Math.abs(excess) <= band.delta * vote.samples + TOLERANCE) return 'kept';
  return excess > 0 ? 'too_easy' : 'too_hard';
}

function requireBand({ center, delta }: Band): void {
  if (!(delta >= 0 && delta <= 0.5)) throw new InvalidArgument(`bandFate: delta is ${delta}, allowed is [0, 0.5]`);
  if (!(center >= 0 && center <= 1)) throw new InvalidArgument(`bandFate: center is ${center}, allowed is [0, 1]`);
}
