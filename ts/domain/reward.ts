import { sameAnswer } from './answers/compare.ts';
import type { VotingRule } from './ballot.ts';
import { InvalidArgument } from './errors.ts';
import type { ParsingRule } from './parse.ts';
import type { RepetitionRule } from './repetition.ts';

/**
 * Whether the Challenger's own answer decides:
 * - `none`: it is never looked at.
 * - `same-answer`: the majority must give it.
 * - `last-character`: the majority answer must be the last character of it, letter for letter. The published code
 *   meant the last answer of a list and had a string; without a box it compares with the "e" of "None".
 */
export const VALIDITY_RULES = ['none', 'same-answer', 'last-character'] as const;
export type ValidityRule = (typeof VALIDITY_RULES)[number];

/** A Challenger reward as data: what is read from a text, and what it is worth. {@link challengerReward} has the formula. */
export interface ChallengerRule {
  readonly parsing: ParsingRule;
  /** Whether the prompt's own words, repeated, count as a question. */
  readonly echo: 'allowed' | 'refused';
  readonly voting: VotingRule;
  /** The uncertainty reward is `peak - slope * |p - 1/2|`. */
  readonly uncertainty: { readonly peak: number; readonly slope: number };
  readonly validity: ValidityRule;
  /** A valid question's p must also be above this; no condition where `validity` is `none`. */
  readonly validAbove: number;
  /** lambda, the weight of the repetition penalty; 0 switches it off. */
  readonly repetitionWeight: number;
  readonly repetition: RepetitionRule;
  /** The composite reward is never below this; null is no floor. */
  readonly floor: number | null;
  /** The reward of a text without a well-formed question. */
  readonly malformed: number;
  /** Whether such a text also pays the repetition penalty, as a cluster of its own. */
  readonly malformedRepeats: boolean;
}

/** A reward and what it is made of. */
export interface ChallengerReward {
  /** In the paper 1 when half of the samples agree, 0 when all or none do; 0 when malformed. */
  uncertainty: number;
  /** lambda * |C| / B, to be subtracted; 0 where it is not. */
  repetition: number;
  /** Is there a well-formed question? */
  format: 0 | 1;
  /** Does the question pass the rule's validity? 0 when malformed. */
  validity: 0 | 1;
  total: number;
}

/** What is known of one text of a batch. */
export interface Judged {
  wellFormed: boolean;
  /** p, in [0, 1]. */
  agreement: number;
  /** |C| / B, in [0, 1]. */
  clusterShare: number;
  /** The majority answer, and the Challenger's own; read by `validity` alone. */
  label?: string | null;
  ownAnswer?: string | null;
}

/**
 * The Challenger's reward for one text.
 *
 * - Uncertainty reward: peak - slope |p - 1/2|, p the agreement of the Solver's samples; p is taken as 0 where the
 *   question is not valid.
 * - Repetition penalty: lambda |C| / B, the share of the batch that is in the question's BLEU cluster.
 * - Composite: max(floor, uncertainty - repetition).
 * - Format check: without a well-formed question it is `malformed`, less the penalty where `malformedRepeats`.
 *
 * @param input of a malformed text only `clusterShare` is read, and that only where `malformedRepeats`
 */
export function challengerReward(input: Judged, rule: ChallengerRule): ChallengerReward {
  if (!input.wellFormed) return malformedReward(input, rule);
  requireShare('agreement', input.agreement);
  requireShare('clusterShare', input.clusterShare);
  const validity = isValid(input, rule) ? 1 : 0;
  const { peak, slope } = rule.uncertainty;
  const uncertainty = peak - slope * Math.abs((validity === 1 ? input.agreement : 0) - 0.5);
  const repetition = rule.repetitionWeight * input.clusterShare;
  const total = uncertainty - repetition;
  return {
    uncertainty,
    repetition,
    format: 1,
    validity,
    total: rule.floor === null ? total : Math.max(rule.floor, total),
  };
}

/** The ablation "without repetition penalty" of a rule: lambda = 0. */
export function withoutRepetition<R extends ChallengerRule>(rule: R): R {
  return { ...rule, repetitionWeight: 0 };
}

/** A Solver reward as data: `accuracy * [the box is the label] + format * [the text has the published format]`. */
export interface SolverRule {
  readonly accuracy: number;
  readonly format: number;
}

/**
 * The Solver's reward for one sample. In the paper 1 if its answer is the pseudo-label, else 0; no box is 0.
 *
 * @param answer the answer in `text`
 */
export function solverReward(text: string, answer: string | null, label: string, rule: SolverRule): number {
  const right = answer !== null && answer !== '' && sameAnswer(answer, label) ? 1 : 0;
  if (rule.format === 0) return rule.accuracy * right;
  return rule.accuracy * right + rule.format * (hasPublishedFormat(text) ? 1 : 0);
}

/**
 * Whether a text has the form that the published Solver reward pays for: `<think>...</think>...\boxed{...}`, with
 * nothing before the first tag. White space around `<`, `>` and `/` does not count. One pass.
 */
export function hasPublishedFormat(text: string): boolean {
  const start = /^\s*<\s*think\s*>/.exec(text);
  if (start === null) return false;
  const end = /<\s*\/\s*think\s*>/.exec(text.slice(start[0].length));
  if (end === null) return false;
  const from = start[0].length + end.index + end[0].length;
  const box = text.indexOf('\\boxed{', from);
  return box >= 0 && text.includes('}', box);
}

function malformedReward({ clusterShare }: Judged, rule: ChallengerRule): ChallengerReward {
  if (rule.malformedRepeats) requireShare('clusterShare', clusterShare);
  const repetition = rule.malformedRepeats ? rule.repetitionWeight * clusterShare : 0;
  return { uncertainty: 0, repetition, format: 0, validity: 0, total: rule.malformed - repetition };
}

function isValid({ agreement, label = null, ownAnswer = null }: Judged, rule: ChallengerRule): boolean {
  if (rule.validity === 'none') return true;
  if (label === null || !(agreement > rule.validAbove)) return false;
  if (rule.validity === 'same-answer') return ownAnswer !== null && ownAnswer !== '' && sameAnswer(ownAnswer, label);
  return label === Array.from(ownAnswer ?? 'None').at(-1);
}

function requireShare(name: string, value: number): void {
  if (!(value >= 0 && value <= 1))
    throw new InvalidArgument(`challengerReward: ${name} is ${value}, allowed is [0, 1]`);
}
