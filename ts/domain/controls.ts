import type { Random } from './random.ts';

/**
 * The wrong-label control: every problem gets the label of another one. What the Solver still gains
 * from such labels is not learnt from their truth. A random cyclic permutation (Sattolo's algorithm), so
 * no position keeps its own; where two problems share a label, a problem can meet an equal one.
 *
 * @returns the same labels in another order; a single label stays
 */
export function shuffleLabels<T>(labels: readonly T[], random: Random): T[] {
  const result = [...labels];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * i);
    const label = result[i] as T;
    result[i] = result[j] as T;
    result[j] = label;
  }
  return result;
}

/** The random-reward control: `count` fair coins, 0 or 1, that know nothing of the samples. */
export function randomRewards(count: number, random: Random): (0 | 1)[] {
  return Array.from({ length: count }, () => (random() < 0.5 ? 0 : 1));
}
