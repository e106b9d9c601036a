import { answerIn, type VotingRule } from '../domain/ballot.ts';
import { withoutFilter } from '../domain/gates.ts';
import type { Settings } from '../domain/settings.ts';
import { type Election, majorityVote, VOTE_RULES } from '../domain/vote.ts';
import { evaluateQuestion } from '../eval/arithmetic.ts';
import type { QuestionDetail } from './document.ts';
import type { CandidateRecord, ProposalRecord } from './records.ts';
import { whyOfCandidate, whyOfProposal } from './why.ts';

/** What of a question's details its record says. */
export type RecordedDetail = Omit<QuestionDetail, 'training' | 'kin'>;

/**
 * A question of the Challenger's training when it is opened.
 *
 * @param withSamples whether the texts of its answers are wanted
 */
export function proposalDetail(record: ProposalRecord, settings: Settings, withSamples: boolean): RecordedDetail {
  const { text, question, reward, advantage } = record;
  const { election, ...answers } = answersOf(record, settings.rewards.challenger.voting, withSamples);
  return { text, ...answers, reward, advantage, why: whyOfProposal(record, election), truth: truthOf(question) };
}

/** A candidate when it is opened. */
export function candidateDetail(record: CandidateRecord, settings: Settings, withSamples: boolean): RecordedDetail {
  const { text = null, question } = record;
  const { arm, questions, answering } = settings;
  const rule = arm === 'no-filter' ? withoutFilter(questions) : questions;
  const { election: _, ...answers } = answersOf(record, rule.voting, withSamples);
  const why = whyOfCandidate(record, rule, questions.votes ?? answering.votes);
  return { text, ...answers, reward: null, advantage: null, why, truth: truthOf(question) };
}

function answersOf(
  { responses = [] }: { responses?: readonly string[] },
  voting: VotingRule,
  withSamples: boolean,
): Pick<QuestionDetail, 'votes' | 'samples'> & { election: Election } {
  const given = responses.map((text) => answerIn(text, voting));
  const election = majorityVote(given, { rules: VOTE_RULES[voting] });
  const { classes, label } = election;
  const winner = label === null ? undefined : classes.find(({ kind, answer }) => kind === 'answer' && answer === label);
  const agreeing = new Set(winner?.members);
  return {
    election,
    votes: classes
      .map(({ answer, members }) => ({ answer, count: members.length }))
      .sort((one, other) => other.count - one.count),
    samples: withSamples
      ? responses.map((text, at) => ({ text, answer: given[at] ?? null, agrees: agreeing.has(at) }))
      : null,
  };
}

function truthOf(question: string | undefined): string | null {
  return question === undefined ? null : evaluateQuestion(question);
}
