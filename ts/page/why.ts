import type { CurriculumRule } from '../domain/gates.ts';
import type { Election, Vote } from '../domain/vote.ts';
import { plural } from '../report/text.ts';
import type { CandidateRecord, ProposalRecord } from './records.ts';

/**
 * Why a candidate was kept or dropped, in a sentence with the numbers.
 *
 * @param rule the gates that it came before
 * @param asked answers that it was to have
 */
export function whyOfCandidate(record: CandidateRecord, rule: CurriculumRule, asked: number): string {
  const { fate, question = '', label = '', vote } = record;
  switch (fate) {
    case 'kept':
      return `kept: ${bandPhrase(vote, rule, asked)}`;
    case 'too_easy':
    case 'too_hard':
      return `dropped as ${fate.replace('_', ' ')}: ${bandPhrase(vote, rule, asked)}`;
    case 'no_label':
      return `dropped: none of its ${plural(record.responses?.length ?? 0, 'answers')} can be a label, ${vote?.unboxed ?? 0} have no box`;
    case 'malformed':
      return 'dropped: its text has no question that can be read';
    case 'too_long':
      return `dropped: it has ${question.length} characters, ${rule.maxCharacters} are allowed`;
    case 'question_word':
      return `dropped: it holds ${wordIn(question, rule.questionWords)}, which no question may`;
    case 'duplicate':
      return 'dropped: the same was asked before it in this iteration';
    case 'label_word':
      return `dropped: its label holds ${wordIn(label ?? '', rule.labelWords)}, which no label may`;
    case 'own_answer':
      return 'dropped: the majority answer is not the one that the Challenger gave itself';
    default:
      return `dropped: ${fate.replaceAll('_', ' ')}`;
  }
}

/** What the reward of a question in training came of, in a sentence with the numbers. */
export function whyOfProposal({ question, reward }: ProposalRecord, { votes, samples }: Election): string {
  const { total, uncertainty = 0, repetition = 0, validity = 1 } = reward;
  if (question === undefined) return `reward ${figure(total)}: its text has no question that can be read`;
  const parts = `${figure(uncertainty)} for uncertainty${repetition > 0 ? ` less ${figure(repetition)} for repetition` : ''}`;
  const agree = `${votes} of ${plural(samples, 'answers')} agree`;
  const invalid = validity === 0 ? ', but not with an answer that counts as valid' : '';
  const sum = uncertainty - repetition;
  const isFloored = total === 0 && sum < 0;
  // Else a rule of the run's own has paid, or a gate has taken.
  const means =
    Math.abs(total - sum) < 1e-9
      ? `: ${parts}`
      : isFloored
        ? `, the least there is: ${parts} would be ${figure(sum)}`
        : ` by the run's own rule, where the parts are ${parts}`;
  return `reward ${figure(total)}${means}; ${agree}${invalid}`;
}

function bandPhrase(vote: Vote | undefined, { center, delta }: CurriculumRule, asked: number): string {
  if (vote === undefined) return 'its vote is not on record';
  // Where some answers were not needed to know its fate, the band is of those that it would have had.
  const isCut = vote.samples < asked;
  const of = isCut ? asked : vote.samples;
  const low = Math.max(0, Math.ceil((center - delta) * of - 1e-9));
  const high = Math.min(of, Math.floor((center + delta) * of + 1e-9));
  const band = `the band is ${low} to ${high}${isCut ? ` of ${of}` : ''}`;
  return `${vote.votes} of ${plural(vote.samples, 'answers')} agree, ${band}`;
}

function wordIn(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase();
  const word = words.find((one) => lower.includes(one.toLowerCase()));
  return word === undefined ? 'a word' : JSON.stringify(word);
}

function figure(value: number): string {
  return value.toFixed(2);
}
