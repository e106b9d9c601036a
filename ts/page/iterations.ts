import { distinctBigrams } from '../domain/distinct.ts';
import { agreementHistogram } from '../domain/histogram.ts';
import { auditQuestions } from '../eval/audit.ts';
import { compareEvaluations, gainPValue } from '../eval/compare.ts';
import type { EvaluationRecord } from '../eval/records.ts';
import { scoreEvaluation } from '../eval/scores.ts';
import type { PhaseSummary } from '../report/runSummary.ts';
import type { IterationReport } from './document.ts';
import { FATES, type QuestionFile } from './questionFile.ts';

/** The figures of an iteration's exam. @param records those of its evaluation */
export function evaluationReport(
  records: readonly EvaluationRecord[],
  seed: number,
): NonNullable<IterationReport['evaluation']> {
  const { greedy = null, mean = null, majority = null, samples } = scoreEvaluation(records, seed);
  return { greedy, mean, majority, samples };
}

/** What an iteration's Solver has gained over the base. */
export function gainReport(
  base: readonly EvaluationRecord[],
  records: readonly EvaluationRecord[],
  seed: number,
): NonNullable<IterationReport['gain']> {
  const { mean, greedy } = compareEvaluations(base, records, seed);
  return { mean: mean?.figure ?? null, greedy: greedy?.figure ?? null, pValue: gainPValue(base, records, seed) };
}

/** The figures of an iteration's candidates. */
export function candidatesReport({ rows, answers }: QuestionFile): NonNullable<IterationReport['questions']> {
  const fates: Record<string, number> = {};
  for (const { fate } of rows) {
    const name = FATES[fate] ?? 'other';
    fates[name] = (fates[name] ?? 0) + 1;
  }
  const questions = rows.filter(({ isQuestion }) => isQuestion).map(({ text }) => text);
  const characters = questions.reduce((sum, text) => sum + text.length, 0);
  const { asked, kept } = auditQuestions(
    rows.map(({ text, isQuestion, label, fate }) => ({
      question: isQuestion ? text : null,
      label,
      fate: FATES[fate] ?? 'other',
    })),
  );
  return {
    candidates: rows.length,
    kept: fates.kept ?? 0,
    fates,
    agreements: agreementHistogram(rows.flatMap(({ agreement }) => agreement ?? [])),
    distinct: asked.distinct,
    distinctBigrams: distinctBigrams(questions),
    noBox: share(answers.unboxed, answers.count),
    questionLength: share(characters, questions.length),
    answerLength: share(answers.characters, answers.count),
    // Questions of another kind than the exam's have no truth that is known here.
    labelAccuracy:
      (asked.wellPosed ?? 0) === 0
        ? null
        : { kept: kept.labelAccuracy, asked: asked.labelAccuracy, wellPosed: asked.labelAccuracyWellPosed },
  };
}

/** Means over the Challenger's steps. */
export function challengerReport({ mean }: PhaseSummary): NonNullable<IterationReport['challenger']> {
  const of = (name: string) => mean[name] ?? null;
  return {
    reward: of('reward'),
    uncertainty: of('uncertainty'),
    repetition: of('repetition'),
    wellFormed: of('wellFormed'),
    distinct: of('distinct'),
  };
}

/** Means over the Solver's steps. */
export function solverReport({ mean }: PhaseSummary): NonNullable<IterationReport['solver']> {
  const of = (name: string) => mean[name] ?? null;
  return { reward: of('reward'), kl: of('kl'), entropy: of('entropy'), meanTokens: of('meanLength') };
}

function share(count: number, of: number): number | null {
  return of === 0 ? null : count / of;
}
