import type { Random } from '../domain/random.ts';

/** Lengths in tokens: log-normal, cut where a sample is cut. */
export interface LengthLaw {
  /** Mean before the cut. */
  mean: number;
  /** Standard deviation of the logarithm; 0 for samples of one length. */
  sigma: number;
}

/**
 * Draw one length.
 * @param maxTokens where samples are cut
 * @returns a whole number from 1 to `maxTokens`
 */
export function drawLength({ mean, sigma }: LengthLaw, maxTokens: number, random: Random): number {
  const mu = Math.log(mean) - sigma ** 2 / 2;
  return Math.min(maxTokens, Math.max(1, Math.round(Math.exp(mu + sigma * normal(random)))));
}

/** A standard normal number (Box and Muller 1958). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
