import { InvalidArgument } from './errors.ts';

/** Keeps the division finite where rewards differ by next to nothing; the value of the published code (verl). */
const EPSILON = 1e-6;

/**
 * GRPO advantages (Shao et al. 2024, DeepSeekMath, section 4.1): within a group, (r - mean) / (std + 1e-6).
 * The deviation is the unbiased one (divided by groupSize - 1), as in the R-Zero code, which uses verl.
 * A group whose rewards are all equal has nothing to tell, so its advantages are exactly 0; so is that of
 * a group of one.
 *
 * @param rewards group by group, finite
 * @param groupSize samples a group, a divisor of rewards.length
 * @returns one advantage a reward; sums to 0 within a group, up to rounding
 */
export function groupAdvantages(rewards: readonly number[], groupSize: number): Float32Array {
  if (!Number.isInteger(groupSize) || groupSize < 1 || rewards.length % groupSize !== 0) {
    throw new InvalidArgument(
      `groupAdvantages: groupSize is ${groupSize}, allowed is a positive divisor of the ${rewards.length} rewards`,
    );
  }
  const advantages = new Float32Array(rewards.length);
  for (let start = 0; start < rewards.length; start += groupSize) {
    const group = rewards.slice(start, start + groupSize);
    const bad = group.find((reward) => !Number.isFinite(reward));
    if (bad !== undefined) throw new InvalidArgument(`groupAdvantages: a reward is ${bad}, allowed are finite numbers`);
    // Compared, not computed: the mean of three 0.1 is not 0.1, and 1e-17 / 1e-6 is not 0.
    if (group.every((reward) => reward === group[0])) continue;
    const mean = group.reduce((sum, reward) => sum + reward, 0) / groupSize;
    const variance = group.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / (groupSize - 1);
    const scale = Math.sqrt(variance) + EPSILON;
    group.forEach((reward, i) => {
      advantages[start + i] = (reward - mean) / scale;
    });
  }
  return advantages;
}
