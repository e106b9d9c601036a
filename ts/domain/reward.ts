import { sameAnswer } from './answers/compare.ts';
import { InvalidArgument } from './errors.ts';

/** A Challenger reward as data. */
export interface RewardPreset {
  /** The uncertainty reward is `peak - slope * |p - 1/2|`. */
  readonly uncertainty: { readonly peak: number; readonly slope: number };
  /** lambda, the weight of the repetition penalty; 0 switches it off. */
  readonly repetitionWeight: number;
  /** The composite reward is never below this. */
  readonly floor: number;
  /** The whole reward of a text without a well-formed question. */
  readonly malformed: number;
}

/** Named rewards. `paper`: R-Zero (arXiv 2508.05004), sections on the uncertainty reward, repetition penalty, format check and composite. */
export const REWARD_PRESETS = {
  paper: { uncertainty: { peak: 1, slope: 2 }, repetitionWeight: 1, floor: 0, malformed: 0 },
} as const satisfies Record<string, RewardPreset>;

/** The ablation "without repetition penalty" of a preset: lambda = 0. */
export function withoutRepetition(preset: RewardPreset): RewardPreset {
  return { ...preset, repetitionWeight: 0 };
}

/** A reward and what it is made of: `total = max(floor, uncertainty - repetition)`, or the preset's `malformed` when `format` is 0. */
export interface ChallengerReward {
  /** 1 - 2|p - 1/2| in the paper: 1 when half of the samples agree, 0 when all or none do; 0 when malformed. */
  uncertainty: number;
  /** lambda * |C| / B, to be subtracted; 0 when malformed. */
  repetition: number;
  /** Is there a well-formed question? */
  format: 0 | 1;
  total: number;
}

/**
 * The Challenger's reward for one text.
 *
 * - Uncertainty reward: r = 1 - 2 |p - 1/2|, p the agreement of the frozen Solver's samples.
 * - Repetition penalty: lambda |C| / B, the share of the batch that is in the question's BLEU cluster.
 * - Format check: without a well-formed question the reward is that of `malformed`, whatever the rest.
 * - Composite: max(0, uncertainty - repetition).
 *
 * @param input agreement and clusterShare in [0, 1]; neither is read when wellFormed is false
 */
export function challengerReward(
  input: { wellFormed: boolean; agreement: number; clusterShare: number },
  preset: RewardPreset,
): ChallengerReward {
  if (!input.wellFormed) return { uncertainty: 0, repetition: 0, format: 0, total: preset.malformed };
  requireShare('agreement', input.agreement);
  requireShare('clusterShare', input.clusterShare);
  const { peak, slope } = preset.uncertainty;
  const uncertainty = peak - slope * Math.abs(input.agreement - 0.5);
  const repetition = preset.repetitionWeight * input.clusterShare;
  return { uncertainty, repetition, format: 1, total: Math.max(preset.floor, uncertainty - repetition) };
}

/** The Solver's reward (R-Zero, "Solver training"): 1 if its boxed answer is the pseudo-label, else 0; no box is 0. */
export function solverReward(answer: string | null, label: string): 0 | 1 {
  return answer !== null && sameAnswer(answer, label) ? 1 : 0;
}

function requireShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1))
    throw new InvalidArgument(`challengerReward: ${name} is ${value}, allowed is [0, 1]`);
}
