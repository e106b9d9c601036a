import { sameAnswer } from '../domain/answers/compare.ts';
import { GATES } from '../domain/gates.ts';
import { evaluateQuestion } from '../eval/arithmetic.ts';
import { type Place, recordsIn } from '../store/recordReader.ts';
import type { CandidateRecord, ProposalRecord } from './records.ts';

/** What can become of a candidate. */
export const FATES: readonly string[] = ['kept', ...GATES];

/** Phases in which questions are asked, as a table counts them. */
export const ASKING = ['challenger', 'questions'] as const;

/** Where questions of a file come from. */
export interface QuestionSource {
  /** Relative to the run, and where it is. */
  name: string;
  path: string;
  iteration: number;
  phase: (typeof ASKING)[number];
  /** Of the Challenger's training; 0 for candidates. */
  step: number;
  sha256: string;
}

/** A question as a table shows it, and where its record lies. */
export interface QuestionRow extends Place {
  /** The question; the whole text where it has none. */
  text: string;
  isQuestion: boolean;
  /** Into {@link FATES}; -1 in training. */
  fate: number;
  agreement: number | null;
  reward: number | null;
  label: string | null;
  /** Whether the label is true; null without a label, and where no truth exists. */
  labelRight: boolean | null;
}

/** What a file of questions holds, but for the samples. */
export interface QuestionFile extends QuestionSource {
  rows: QuestionRow[];
  /** Answers to all of them: how many, those without a box, and the characters of all. */
  answers: { count: number; unboxed: number; characters: number };
}

/** Read a file of questions. Of its samples, which may be gigabytes, only counts stay. */
export function readQuestionFile(source: QuestionSource): QuestionFile {
  const file: QuestionFile = { ...source, rows: [], answers: { count: 0, unboxed: 0, characters: 0 } };
  for (const { record, offset, bytes } of recordsIn<ProposalRecord | CandidateRecord>(source.path, source.name)) {
    const { question, text = '', label = null, responses } = record;
    const truth = question === undefined || label === null ? null : evaluateQuestion(question);
    file.rows.push({
      offset,
      bytes,
      text: question ?? text,
      isQuestion: question !== undefined,
      fate: 'fate' in record ? FATES.indexOf(record.fate) : -1,
      agreement: responses === undefined ? null : (record.agreement ?? null),
      reward: 'reward' in record ? record.reward.total : null,
      label,
      labelRight: truth === null || label === null ? null : sameAnswer(label, truth),
    });
    if (responses === undefined) continue;
    file.answers.count += responses.length;
    if ('vote' in record) file.answers.unboxed += record.vote?.unboxed ?? 0;
    for (const response of responses) file.answers.characters += response.length;
  }
  return file;
}
