import { sameAnswer } from './answer.ts';
import { extractBoxed, publishedBox } from './parse.ts';
import { majorityVote, type Vote } from './vote.ts';

/**
 * Who votes and what the share is of:
 * - `paper`: a sample without a box has no vote, and counts in m. p = votes / m.
 * - `published-reward`: the published code's reward phase. A sample without a box votes for "None", which can win; a
 *   blank box has no vote and counts in m; any two answers that contain "no " are one answer. p = votes / m.
 * - `published-labels`: its labelling phase. The same, but p = votes / (m - blank boxes).
 */
export const VOTING_RULES = ['paper', 'published-reward', 'published-labels'] as const;
export type VotingRule = (typeof VOTING_RULES)[number];

/** What mathruler 0.1.0 returns for a text without a box: a string like any other. */
const NONE = 'None';

/** The answer in a sample's text as a rule reads it: null when there is no box, '' (published rules) when it is blank. */
export function answerIn(text: string, rule: VotingRule): string | null {
  return rule === 'paper' ? extractBoxed(text) : publishedBox(text);
}

/**
 * The vote by a rule. Its `samples` is what the share is of; its `label` is null when nobody has a vote, and when
 * "None" wins.
 *
 * @param answers as {@link answerIn} reads them, in sample order
 */
export function voteBy(rule: VotingRule, answers: readonly (string | null)[]): Vote {
  if (rule === 'paper') return majorityVote(answers.map((answer) => answer || null));
  const named = namedAnswers(rule, answers);
  const vote = majorityVote(named);
  const samples = rule === 'published-labels' ? answers.length - blanks(answers) : answers.length;
  return {
    ...vote,
    label: vote.label === NONE ? null : vote.label,
    samples,
    agreement: samples === 0 ? 0 : vote.votes / samples,
    unboxed: answers.filter((answer) => answer === null || answer === '').length,
  };
}

/** Answers counted so far. Whatever answers follow, no vote moves to another group. */
export interface Tally {
  /** In order of first appearance; `label` is null for the group of "None". */
  groups: { label: string | null; votes: number }[];
  /** Blank boxes, which have no vote. */
  blanks: number;
}

/** The groups of {@link voteBy}. */
export function tallyBy(rule: VotingRule, answers: readonly (string | null)[]): Tally {
  const groups = new Map<string, number>();
  for (const name of namedAnswers(rule, answers)) {
    if (name !== null) groups.set(name, (groups.get(name) ?? 0) + 1);
  }
  return {
    groups: [...groups].map(([name, votes]) => ({ label: rule !== 'paper' && name === NONE ? null : name, votes })),
    blanks: blanks(answers),
  };
}

/** Each answer under the name of the first that it matches, as the published loop over known answers does; null has no vote. */
function namedAnswers(rule: VotingRule, answers: readonly (string | null)[]): (string | null)[] {
  const names: string[] = [];
  return answers.map((given) => {
    const answer = given ?? (rule === 'paper' ? '' : NONE);
    if (answer === '') return null;
    const matches = (name: string): boolean =>
      (rule !== 'paper' && saysNo(answer) && saysNo(name)) || sameAnswer(answer, name);
    const known = names.find(matches);
    if (known !== undefined) return known;
    names.push(answer);
    return answer;
  });
}

function saysNo(answer: string): boolean {
  return answer.toLowerCase().includes('no ');
}

function blanks(answers: readonly (string | null)[]): number {
  return answers.filter((answer) => answer === '').length;
}
