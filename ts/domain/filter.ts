import { InvalidArgument } from './errors.ts';
import type { Vote } from './vote.ts';

/** What becomes of a candidate question. */
export type Fate = 'kept' | 'too_easy' | 'too_hard' | 'no_label';

/** Far above the rounding of 2 * delta * samples, far below the step of 1 that votes make. */
const TOLERANCE = 1e-9;

/**
 * The band filter (R-Zero, "Solver data curation"): a question is kept iff |p - 1/2| <= delta, bounds
 * included. With delta = 0.25 those are 3 to 7 votes of 10, or 2 to 6 of 8. Compared in votes
 * (|2 votes - samples| <= 2 delta samples), so that 1/2 - 0.3 <= 0.2 cannot fail by a rounding.
 *
 * @param delta half the band's width, in [0, 1/2]; 1/2 keeps every question with a label
 * @returns one fate a vote: `too_easy` above the band, `too_hard` below it, `no_label` when no sample had a box
 */
export function bandFilter(votes: readonly Vote[], delta: number): Fate[] {
  if (!(delta >= 0 && delta <= 0.5)) throw new InvalidArgument(`bandFilter: delta is ${delta}, allowed is [0, 0.5]`);
  return votes.map((vote) => {
    if (vote.label === null) return 'no_label';
    const excess = 2 * vote.votes - vote.samples;
    if (Math.abs(excess) <= 2 * delta * vote.samples + TOLERANCE) return 'kept';
    return excess > 0 ? 'too_easy' : 'too_hard';
  });
}
