import type { Config } from '../config/schema.ts';
import { createArithmeticExam } from '../eval/exam.ts';
import { type Asked, askedBy } from '../inspect/asked.ts';
import type { Finding } from '../inspect/finding.ts';
import { judgeModel } from '../inspect/judge.ts';
import type { Exam } from '../ports/exam.ts';
import type { Worker } from '../ports/worker.ts';
import type { InspectModelResult } from '../protocol/generated.ts';

/** What is known of a model before it is loaded. */
export interface Inspection {
  report: InspectModelResult;
  /** What the model would be asked, in the order of `report.prompts`. */
  asked: readonly Asked[];
  findings: readonly Finding[];
}

/**
 * Have a worker look at a model with the conversations that a run would have with it.
 *
 * @param exam whose first question is the Solver's example
 * @throws WorkerCallError `model_unloadable`, `hub_unavailable`, `hub_forbidden`
 */
export async function inspectModel(
  worker: Pick<Worker, 'inspectModel'>,
  config: Config,
  source: string,
  exam: Exam = createArithmeticExam(config.evaluation.problems),
  signal?: AbortSignal,
): Promise<Inspection> {
  const asked = askedBy(config, exam.questions[0] ?? '', exam.workedPrefix);
  const conversations = asked.map(({ conversation }) => conversation);
  const report = await worker.inspectModel({ source, conversations }, signal === undefined ? {} : { signal });
  return { report, asked, findings: judgeModel(report, asked) };
}
