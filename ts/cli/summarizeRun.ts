import type { Config } from '../config/schema.ts';
import { auditQuestions } from '../eval/audit.ts';
import { compareEvaluations } from '../eval/compare.ts';
import type { EvaluationRecord, QuestionRecord } from '../eval/records.ts';
import { scoreEvaluation } from '../eval/scores.ts';
import type { Exam } from '../ports/exam.ts';
import type { JournalEntry } from '../ports/journal.ts';
import type { MetricsRecord, RunSummary } from '../report/runSummary.ts';
import { buildSummary } from '../report/summary.ts';
import { metricsLines } from '../store/metricsFile.ts';
import type { RunFolder } from '../store/runFolder.ts';

/**
 * All figures of a finished run, from its journal and the records in its folder. The audit of the pseudo-labels against the
 * truth is made here, when the run is over, and nowhere before.
 */
export function summarizeRun(
  folder: RunFolder,
  entries: readonly JournalEntry[],
  config: Config,
  exam: Exam,
): RunSummary {
  const { preset, arm, seed, model, iterations } = config;
  const recordsOf = (iteration: number) =>
    folder.readRecords<EvaluationRecord>(`iteration-${iteration}/evaluation.jsonl`);
  const base = recordsOf(0);
  const evaluations = Array.from({ length: iterations + 1 }, (_, iteration) => {
    const records = iteration === 0 ? base : recordsOf(iteration);
    return {
      iteration,
      scores: scoreEvaluation(records, seed),
      gain: iteration === 0 ? null : compareEvaluations(base, records, seed),
    };
  });
  const audits = Array.from({ length: iterations }, (_, index) => {
    const iteration = `iteration-${index + 1}`;
    const problems = folder.readRecords<{ label: string }>(`${iteration}/problems.jsonl`).values();
    const questions: QuestionRecord[] = [];
    for (const { record } of folder.records<QuestionRecord>(`${iteration}/questions.jsonl`)) {
      // Without the samples, which may be gigabytes.
      const { question = null, label = null, fate } = record;
      const trained = fate === 'kept' ? { trainedLabel: problems.next().value?.label ?? null } : {};
      questions.push({ question, label, fate, ...trained });
    }
    return [index + 1, auditQuestions(questions, exam.questions)] as const;
  });
  return buildSummary({
    run: { preset, arm, seed, model, iterations, exam: exam.name },
    evaluations,
    audits: new Map(audits),
    metrics: metricsLines(entries) as unknown as MetricsRecord[],
  });
}
