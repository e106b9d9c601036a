import { extractAnswer } from './answers/extract.ts';
import { POLICIES } from './answers/policy.ts';
import { publishedBox } from './parse.ts';
import { majorityVote, VOTE_RULES, type Vote } from './vote.ts';

/** The rules of a vote by name: those of `VOTE_RULES`. */
export type VotingRule = keyof typeof VOTE_RULES;
export const VOTING_RULES = Object.keys(VOTE_RULES) as [VotingRule, ...VotingRule[]];

/** The answer in a sample's text as a rule reads it: null when there is no box, '' (published rules) when it is blank. */
export function answerIn(text: string, rule: VotingRule): string | null {
  return rule === 'paper' ? extractAnswer(text) : publishedBox(text);
}

/** The vote by a rule. @param answers as {@link answerIn} reads them, in sample order */
export function voteBy(rule: VotingRule, answers: readonly (string | null)[]): Vote {
  const { classes: _, ...vote } = majorityVote(answers, { rules: VOTE_RULES[rule] });
  return vote;
}

/** Answers counted so far. */
export interface Tally {
  /** Who has votes, in order of first appearance; `label` is null for those without a box, where they vote. */
  groups: { label: string | null; votes: number }[];
  /** Answers that do not count in what the share is of. */
  uncounted: number;
  /**
   * Whether a further answer may split a group: one whose answers are equal though not the same in value, kind and unit, as
   * 5 and 5 cm, which 5 m sets apart. Other groups only grow.
   */
  splittable: boolean;
}

/** The groups of {@link voteBy}. */
export function tallyBy(rule: VotingRule, answers: readonly (string | null)[]): Tally {
  const rules = VOTE_RULES[rule];
  const { classes, samples, groups } = majorityVote(answers, { rules });
  const strict = majorityVote(answers, { rules, policy: POLICIES.strict });
  const voters = classes.filter(({ kind }) => kind === 'answer' || (kind === 'no-box' && noBoxVotes(rule)));
  return {
    groups: voters.map(({ answer, members }) => ({ label: answer, votes: members.length })),
    uncounted: answers.length - samples,
    splittable: strict.groups !== groups,
  };
}

/** Whether samples without a box vote for an answer of their own. */
export function noBoxVotes(rule: VotingRule): boolean {
  return VOTE_RULES[rule].noBox === 'votes';
}

/** Whether a blank box is left out of what the share is of. */
export function blankLeavesShare(rule: VotingRule): boolean {
  return VOTE_RULES[rule].shareOf === 'not-empty';
}
