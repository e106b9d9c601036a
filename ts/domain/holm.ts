import { InvalidArgument } from './errors.ts';

/**
 * Holm's step-down adjustment (Holm 1979): p-values that hold for all tests of a family together. Rejecting those at or
 * below a level keeps the chance of any false rejection at that level, however the tests depend on one another.
 *
 * @param pValues one a test, in [0, 1]
 * @returns adjusted p-values in the same order, none below what it was
 */
export function holm(pValues: readonly number[]): number[] {
  for (const value of pValues) {
    if (!(value >= 0 && value <= 1)) throw new InvalidArgument(`holm: a p-value is ${value}, allowed is [0, 1]`);
  }
  const order = pValues.map((_, index) => index).sort((a, b) => (pValues[a] as number) - (pValues[b] as number));
  const adjusted = new Array<number>(pValues.length);
  let least = 0;
  order.forEach((index, rank) => {
    least = Math.min(1, Math.max(least, (pValues.length - rank) * (pValues[index] as number)));
    adjusted[index] = least;
  });
  return adjusted;
}
