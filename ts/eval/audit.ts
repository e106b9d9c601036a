import { sameAnswer } from '../domain/answers/compare.ts';
import { describe, evaluateQuestion, isHeldOut } from './arithmetic.ts';
import type { QuestionRecord } from './records.ts';

/**
 * What the truth says about a set of questions. Shares are in [0, 1]; a figure over an empty set is null.
 */
export interface QuestionFigures {
  /** Questions counted, repeats included. */
  count: number;
  /** Share that is a well-posed problem of the domain; 0 for a model that asks in another way altogether. */
  wellPosed: number | null;
  /** Mean number of steps of the well-posed ones. */
  meanSteps: number | null;
  /** Share of multiplications among the steps of the well-posed ones. */
  multiplications: number | null;
  /** Distinct texts, as a share of the questions. */
  distinct: number | null;
  /** Share that lies in the held-out class (one question in sixteen does by chance). */
  heldOut: number | null;
  /** Share that is, word for word, a question of the exam. */
  inExam: number | null;
  /** Share whose majority answer is true; an ill-posed question has no true answer and counts as wrong. */
  labelAccuracy: number | null;
  /** The same among the well-posed ones only. */
  labelAccuracyWellPosed: number | null;
  /** `labelAccuracy` of the labels that were trained on, where an ablation replaced the majority answer. */
  trainedLabelAccuracy?: number;
}

/** The truth about one iteration's questions. For reports alone: nothing of it may reach the loop. */
export interface Audit {
  /** Every question asked that could be read, whatever its fate. */
  asked: QuestionFigures;
  /** The questions that the Solver was trained on. */
  kept: QuestionFigures;
}

/**
 * Audit an iteration's stored question records against the domain's own truth, after the fact.
 *
 * @param examQuestions the questions of the held-out exam
 */
export function auditQuestions(records: readonly QuestionRecord[], examQuestions: Iterable<string> = []): Audit {
  const exam = new Set(examQuestions);
  const asked = records.filter(({ question }) => typeof question === 'string');
  return {
    asked: questionFigures(asked, exam),
    kept: questionFigures(
      asked.filter(({ fate }) => fate === 'kept'),
      exam,
    ),
  };
}

function questionFigures(records: readonly QuestionRecord[], exam: ReadonlySet<string>): QuestionFigures {
  const questions = records.map(({ question }) => question ?? '');
  const truths = questions.map(evaluateQuestion);
  const descriptions = questions.map(describe).filter((description) => description !== null);
  const steps = sum(descriptions.map((description) => description.steps));
  const share = (count: number, of = records.length) => (of === 0 ? null : count / of);
  const rightOf = (label: (record: QuestionRecord) => string | null | undefined) =>
    records.filter((record, index) => isTrue(label(record), truths[index] ?? null)).length;
  const right = rightOf(({ label }) => label);
  const replaced = records.some(({ label, trainedLabel }) => trainedLabel !== undefined && trainedLabel !== label);
  return {
    count: records.length,
    wellPosed: share(descriptions.length),
    meanSteps: share(steps, descriptions.length),
    multiplications: share(sum(descriptions.map(({ multiplications }) => multiplications)), steps),
    distinct: share(new Set(questions).size),
    heldOut: share(questions.filter(isHeldOut).length),
    inExam: share(questions.filter((question) => exam.has(question)).length),
    labelAccuracy: share(right),
    labelAccuracyWellPosed: share(right, descriptions.length),
    ...(replaced
      ? { trainedLabelAccuracy: rightOf(({ label, trainedLabel }) => trainedLabel ?? label) / records.length }
      : {}),
  };
}

function isTrue(label: string | null | undefined, truth: string | null): boolean {
  return truth !== null && typeof label === 'string' && sameAnswer(label, truth);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
