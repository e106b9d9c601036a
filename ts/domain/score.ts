import { voteBy } from './ballot.ts';
import { InvalidArgument } from './errors.ts';
import type { ParsedQuestion } from './parse.ts';
import { repetitionShares } from './repetition.ts';
import { type ChallengerReward, type ChallengerRule, challengerReward } from './reward.ts';
import type { Vote } from './vote.ts';

/** One text of the Challenger and what the Solver made of it. */
export interface Proposal {
  text: string;
  /** null when malformed. */
  parsed: ParsedQuestion | null;
  /** The Solver's m answers, as the rule's voting reads them; [] for a malformed text. */
  answers: readonly (string | null)[];
}

/** What a proposal is worth. */
export interface Scored {
  vote: Vote;
  /** |C| / B: the share of the batch, malformed texts included, that is in the question's cluster. */
  clusterShare: number;
  reward: ChallengerReward;
}

/** A proposal with its reward. */
export type ScoredProposal = Proposal & Scored;

/**
 * A user's own Challenger reward: one finite number a proposal, in the batch's order. What a proposal holds is the
 * configured rule's doing: its parsing, its vote, its clusters, and in `reward` what it would pay itself.
 */
export type ChallengerRewardFunction = (
  batch: readonly ScoredProposal[],
) => readonly number[] | Promise<readonly number[]>;

/**
 * The Challenger's rewards for a batch: votes, clusters, and the rule's formula.
 *
 * @param remembered questions of earlier iterations, the latest last; as many count as `rule.repetition.memory` says
 */
export function scoreBatch(
  batch: readonly Proposal[],
  rule: ChallengerRule,
  remembered: readonly string[] = [],
): ScoredProposal[] {
  const shares = clusterShares(
    batch.map(({ parsed }) => parsed),
    rule,
    remembered,
  );
  return batch.map((proposal, index) => scoreProposal(proposal, shares[index] as number, rule));
}

/**
 * The share of the batch that is in each question's cluster (paper: |C_k| / B). It needs no answers, so it is known while
 * the Solver still gives them.
 *
 * A malformed text (null) is a cluster of its own: as an empty text it has no word in common with any other.
 *
 * @param remembered as for {@link scoreBatch}
 */
export function clusterShares(
  batch: readonly (ParsedQuestion | null)[],
  rule: ChallengerRule,
  remembered: readonly string[] = [],
): number[] {
  const questions = batch.flatMap((parsed) => parsed?.question ?? []);
  const { memory, ...options } = rule.repetition;
  const earlier = memory === 0 ? [] : remembered.slice(-memory);
  const shares = repetitionShares(questions, { ...options, memory: earlier, batch: batch.length }).values();
  return batch.map((parsed) => (parsed === null ? 1 / batch.length : (shares.next().value as number)));
}

/** One proposal's vote and reward, given its {@link clusterShares share}. */
export function scoreProposal<P extends Proposal>(proposal: P, clusterShare: number, rule: ChallengerRule): P & Scored {
  const { parsed, answers } = proposal;
  const vote = voteBy(rule.voting, answers);
  const input = {
    wellFormed: parsed !== null,
    agreement: vote.agreement,
    clusterShare,
    label: vote.label,
    ownAnswer: parsed?.answer ?? null,
  };
  return { ...proposal, vote, clusterShare, reward: challengerReward(input, rule) };
}

/** The batch with a user's totals in place of the rule's. @throws InvalidArgument as {@link requireTotals} does */
export function withTotals<P extends ScoredProposal>(batch: readonly P[], totals: readonly number[]): P[] {
  const values = requireTotals(totals, batch.length);
  return batch.map((proposal, index) => ({
    ...proposal,
    reward: { ...proposal.reward, total: values[index] as number },
  }));
}

/**
 * What a user's reward returned, as numbers.
 *
 * @throws InvalidArgument when there is not one finite number a proposal
 */
export function requireTotals(totals: unknown, proposals: number): number[] {
  if (!Array.isArray(totals) && !(ArrayBuffer.isView(totals) && !(totals instanceof DataView))) {
    throw new InvalidArgument(`it returned ${describe(totals)}, allowed is an array of numbers`);
  }
  const values: unknown[] = Array.from(totals as ArrayLike<unknown>);
  if (values.length !== proposals) {
    throw new InvalidArgument(`it returned ${values.length} rewards for ${proposals} proposals, allowed is one each`);
  }
  const wrong = values.findIndex((value) => typeof value !== 'number' || !Number.isFinite(value));
  if (wrong >= 0) {
    throw new InvalidArgument(`its reward ${wrong} is ${describe(values[wrong])}, allowed are finite numbers`);
  }
  return values as number[];
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
