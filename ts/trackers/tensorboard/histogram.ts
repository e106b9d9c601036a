/** What TensorBoard keeps of many values. */
export interface Histogram {
  min: number;
  max: number;
  num: number;
  sum: number;
  sumSquares: number;
  /** Upper ends of the buckets, each inclusive. */
  limits: number[];
  counts: number[];
}

const WIDTH = 0.05;
/** Centred at 0, 0.05, ..., 1: shares of 10 or 20 votes then lie in the middle of a bucket, never at its edge. */
const LIMITS = Array.from({ length: 21 }, (_, index) => (index + 0.5) * WIDTH);

/** The histogram of shares. @param shares in [0, 1]; at least one */
export function histogramOf(shares: readonly number[]): Histogram {
  const counts = LIMITS.map(() => 0);
  let [min, max, sum, sumSquares] = [1, 0, 0, 0];
  for (const share of shares) {
    const bucket = LIMITS.findIndex((limit) => share <= limit);
    counts[bucket] = (counts[bucket] as number) + 1;
    min = Math.min(min, share);
    max = Math.max(max, share);
    sum += share;
    sumSquares += share ** 2;
  }
  return { min, max, num: shares.length, sum, sumSquares, limits: LIMITS, counts };
}
