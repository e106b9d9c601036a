import { LIMITS } from './answers/budget.ts';
import { classesOf } from './answers/key.ts';
import type { AnswerPolicy } from './answers/policy.ts';

/** What a class of samples is: one answer, or a kind of sample that has no vote. */
export type ClassKind = 'answer' | 'no-box' | 'empty' | 'over-long' | 'undecidable';

/** Samples that vote together, or that for the same reason do not. */
export interface AnswerClass {
  kind: ClassKind;
  /** As the first member wrote it; null without a box. */
  answer: string | null;
  /** Indices of samples, ascending. */
  members: number[];
}

/** The outcome of a majority vote among the samples for one question. */
export interface Vote {
  /** The pseudo-label: the winning class's answer as its first member wrote it; null when no answer won. */
  label: string | null;
  /** Members of the winning class. */
  votes: number;
  /** What the share is of; m, all samples, in the paper's rules. */
  samples: number;
  /** The paper's empirical accuracy p-hat = votes / samples, in [0, 1]; 0 without samples. */
  agreement: number;
  /** Samples without a box. */
  unboxed: number;
  /** Different answers. */
  groups: number;
}

/** A vote with who voted for what. */
export interface Election extends Vote {
  /** All samples by class, in order of their first members. */
  classes: AnswerClass[];
}

/** How votes are counted. */
export interface VoteRules {
  /** A sample without a box has no vote; or it votes for "None", an answer like any other that can win. */
  noBox: 'silent' | 'votes';
  /** What the share is of: m, or the samples whose box is not blank. */
  shareOf: 'samples' | 'not-empty';
  /** Any two answers that contain "no " are one. */
  mergeNo: boolean;
}

/**
 * The rules by name. The published code (Chengsong-Huang/R-Zero) votes by other rules than its paper, and by two of its
 * own: `repo-head` and `repo-2025` are those of its Challenger reward, which did not change in between,
 * `repo-labels` those by which it labels questions.
 */
export const VOTE_RULES = {
  paper: { noBox: 'silent', shareOf: 'samples', mergeNo: false },
  'repo-head': { noBox: 'votes', shareOf: 'samples', mergeNo: true },
  'repo-2025': { noBox: 'votes', shareOf: 'samples', mergeNo: true },
  'repo-labels': { noBox: 'votes', shareOf: 'not-empty', mergeNo: true },
} as const satisfies Readonly<Record<string, VoteRules>>;

export interface VoteOptions {
  /** The paper's when absent. */
  rules?: VoteRules;
  /** What counts as the same answer. */
  policy?: AnswerPolicy;
}

/**
 * Majority vote (R-Zero, "Solver data curation": y~ is the most frequent of m answers). Equal answers vote together;
 * equality is made transitive by {@link classesOf}. Of classes of the same size, the one whose first member comes first
 * wins.
 *
 * A missing box is no answer of its own. Were it one, a question that makes the Solver fail to finish half of the time
 * would look perfectly hard. Nor is a blank answer, one that is too long to be read, or one that means nothing. They
 * count in m all the same.
 *
 * @param answers boxed answers in sample order; null where a sample has none
 */
export function majorityVote(answers: readonly (string | null)[], options: VoteOptions = {}): Election {
  const { rules = VOTE_RULES.paper, policy } = options;
  const classes = answerClasses(answers, rules, policy);
  const count = (kind: ClassKind): number => classes.find((one) => one.kind === kind)?.members.length ?? 0;
  const voters = classes.filter(({ kind }) => kind === 'answer' || (kind === 'no-box' && rules.noBox === 'votes'));
  const winner = voters.reduce<AnswerClass | undefined>(
    (best, one) => (best === undefined || one.members.length > best.members.length ? one : best),
    undefined,
  );
  const votes = winner?.members.length ?? 0;
  const samples = answers.length - (rules.shareOf === 'not-empty' ? count('empty') : 0);
  return {
    label: winner?.answer ?? null,
    votes,
    samples,
    agreement: samples === 0 ? 0 : votes / samples,
    unboxed: count('no-box'),
    groups: classes.filter(({ kind }) => kind === 'answer').length,
    classes,
  };
}

function answerClasses(
  answers: readonly (string | null)[],
  rules: VoteRules,
  policy: AnswerPolicy | undefined,
): AnswerClass[] {
  const boxed = answers.flatMap((answer, index) => (answer === null ? [] : [{ answer, index }]));
  const numbers = classesOf(
    boxed.map(({ answer }) => answer),
    policy,
  );
  const numberOf = new Map(boxed.map(({ index }, at) => [index, numbers[at] ?? -1]));
  const classes = new Map<string | number, AnswerClass>();
  for (const [index, answer] of answers.entries()) {
    const number = numberOf.get(index) ?? -1;
    const kind = kindOf(answer, number, rules);
    const name = kind !== 'answer' ? kind : rules.mergeNo && saysNo(answer) ? 'no ' : number;
    const known = classes.get(name);
    if (known) known.members.push(index);
    else classes.set(name, { kind, answer: kind === 'no-box' ? null : answer, members: [index] });
  }
  return [...classes.values()];
}

function kindOf(answer: string | null, number: number, rules: VoteRules): ClassKind {
  if (answer === null || (rules.noBox === 'votes' && answer === 'None')) return 'no-box';
  if (answer.trim() === '') return 'empty';
  if (answer.length > LIMITS.characters) return 'over-long';
  return number < 0 ? 'undecidable' : 'answer';
}

function saysNo(answer: string | null): boolean {
  return answer?.toLowerCase().includes('no ') ?? false;
}
