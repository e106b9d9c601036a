import { mean } from './statistics.ts';

/** Pearson's correlation of two lists of one length, in [-1, 1]; NaN where one of them does not vary. */
export function correlation(xs: readonly number[], ys: readonly number[]): number {
  const [x, y] = [mean(xs), mean(ys)];
  let [xx, xy, yy] = [0, 0, 0];
  for (const [index, value] of xs.entries()) {
    const [dx, dy] = [value - x, (ys[index] as number) - y];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  return xx === 0 || yy === 0 ? Number.NaN : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}
