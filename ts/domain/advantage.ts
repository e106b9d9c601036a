import { InvalidArgument } from './errors.ts';

/** Keeps the division finite where rewards differ by next to nothing; the value of the published code (verl). */
const EPSILON = 1e-6;

/**
 * What a reward is compared with, within its group of n:
 * - `grpo`: (r - mean) / (std + 1e-6), the deviation unbiased (divided by n - 1). Shao et al. 2024 (DeepSeekMath),
 *   section 4.1; R-Zero.
 * - `dr-grpo`: r - mean. Liu et al. 2025 (arXiv 2503.20783); its other half, a constant in place of the number of
 *   tokens, is the loss's business and not done here.
 * - `leave-one-out`: r - the mean of the others = (r - mean) n / (n - 1). RLOO, Ahmadian et al. 2024 (arXiv 2402.14740).
 */
export const ADVANTAGES = ['grpo', 'dr-grpo', 'leave-one-out'] as const;
export type Advantage = (typeof ADVANTAGES)[number];

/**
 * Group advantages.
 * A group whose rewards are all equal has nothing to tell, so its advantages are exactly 0; so is that of
 * a group of one.
 *
 * @param rewards group by group, finite
 * @param groupSize samples a group, a divisor of rewards.length
 * @returns one advantage a reward; sums to 0 within a group, up to rounding
 */
export function groupAdvantages(rewards: readonly number[], groupSize: number, kind: Advantage = 'grpo'): Float32Array {
  requireGroups(rewards, groupSize);
  const advantages = new Float32Array(rewards.length);
  for (let start = 0; start < rewards.length; start += groupSize) {
    const group = rewards.slice(start, start + groupSize);
    // Compared, not computed: the mean of three 0.1 is not 0.1, and 1e-17 / 1e-6 is not 0.
    if (isFlat(group)) continue;
    const mean = group.reduce((sum, reward) => sum + reward, 0) / groupSize;
    const scale = scaleOf(group, mean, kind);
    group.forEach((reward, i) => {
      advantages[start + i] = (reward - mean) / scale;
    });
  }
  return advantages;
}

/** What a policy learns from, beside the rewards themselves. */
export interface CreditRule {
  readonly advantage: Advantage;
  /** Whether groups whose rewards are all equal stay in the updates: with advantage 0, so for the KL term alone. */
  readonly zeroVariance: 'keep' | 'drop';
  /**
   * Samples that were cut off at their longest: kept as they are; left out of the updates, though they count in
   * their group's mean; or with `overlongPenalty` off their reward.
   */
  readonly overlong: 'keep' | 'mask' | 'penalise';
  readonly overlongPenalty: number;
}

/** What comes of a batch's rewards. */
export interface Credit {
  /** One a sample, as they were earned: without penalties. */
  rewards: Float64Array;
  /** One a sample. */
  advantages: Float32Array;
  /** Which samples are trained. */
  trained: boolean[];
  /** Groups whose rewards, penalties included, are all equal. */
  flatGroups: number;
  /** Samples that were cut off. */
  overlong: number;
}

/**
 * Advantages and who is trained.
 *
 * @param cut whether each sample was cut off at its longest
 */
export function creditOf(
  rewards: readonly number[],
  cut: readonly boolean[],
  groupSize: number,
  rule: CreditRule,
): Credit {
  const paid =
    rule.overlong === 'penalise'
      ? rewards.map((reward, i) => (cut[i] === true ? reward - rule.overlongPenalty : reward))
      : rewards;
  const advantages = groupAdvantages(paid, groupSize, rule.advantage);
  const flat = Array.from({ length: paid.length / groupSize }, (_, group) =>
    isFlat(paid.slice(group * groupSize, (group + 1) * groupSize)),
  );
  const trained = paid.map(
    (_, i) =>
      !(rule.zeroVariance === 'drop' && flat[Math.floor(i / groupSize)] === true) &&
      !(rule.overlong === 'mask' && cut[i] === true),
  );
  return {
    rewards: Float64Array.from(rewards),
    advantages,
    trained,
    flatGroups: flat.filter(Boolean).length,
    overlong: cut.filter(Boolean).length,
  };
}

function scaleOf(group: readonly number[], mean: number, kind: Advantage): number {
  const n = group.length;
  if (kind === 'dr-grpo') return 1;
  if (kind === 'leave-one-out') return (n - 1) / n;
  return Math.sqrt(group.reduce((sum, reward) => sum + (reward - mean) ** 2, 0) / (n - 1)) + EPSILON;
}

function isFlat(group: readonly number[]): boolean {
  return group.every((reward) => reward === group[0]);
}

function requireGroups(rewards: readonly number[], groupSize: number): void {
  if (!Number.isInteger(groupSize) || groupSize < 1 || rewards.length % groupSize !== 0) {
    throw new InvalidArgument(
      `groupAdvantages: groupSize is ${groupSize}, allowed is a positive divisor of the ${rewards.length} rewards`,
    );
  }
  const bad = rewards.find((reward) => !Number.isFinite(reward));
  if (bad !== undefined) throw new InvalidArgument(`groupAdvantages: a reward is ${bad}, allowed are finite numbers`);
}
