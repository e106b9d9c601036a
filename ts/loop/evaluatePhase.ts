import { solverConversation } from '../domain/prompts.ts';
import { groupTexts } from '../domain/samples.ts';
import { mean, standardDeviation } from '../domain/statistics.ts';
import type { Sampling } from '../protocol/generated.ts';
import { requestSeeds } from './ask.ts';
import { type LoopContext, recordName } from './context.ts';
import { drawEach } from './draw.ts';
import { runPhase, type Tally } from './phase.ts';
import { requireIntact } from './sources.ts';

/** How an exam is sat: greedily once, sampled k times, and sampled k times from the worked prefix. */
type Mode = 'greedy' | 'sampled' | 'worked';

/**
 * Let a Solver sit the exam and record every response with its mark. The marks are written down and
 * reported; nothing of them reaches the other phases.
 *
 * @param iteration 0 for the base model
 * @returns accuracies in [0, 1]
 */
export async function evaluatePhase(
  context: LoopContext,
  iteration: number,
  solver: string,
): Promise<Record<string, number>> {
  const { settings, worker, exam, store, signal } = context;
  const { samples, sampling } = settings.evaluation;
  const questions = exam.questions.length;
  const prefixed = exam.workedPrefix !== undefined;
  const total = questions * (1 + samples + (prefixed ? samples : 0));
  const { metrics } = await runPhase(
    context,
    { iteration, phase: 'evaluation', total, unit: 'answers', note: `${questions} held-out problems` },
    async (scope) => {
      const { seed } = settings;
      requireIntact(context, [solver]);
      await worker.loadModel({ modelId: 'solver', source: solver, trainable: false, role: 'sample', seed }, { signal });
      const tally = scope.tally({ from: 0, to: total, total }, total);
      const [greedy, sampled, worked] = await Promise.all([
        sit(context, tally, 'greedy', { ...sampling, temperature: 0 }, 1),
        sit(context, tally, 'sampled', sampling, samples),
        prefixed ? sit(context, tally, 'worked', sampling, samples) : undefined,
      ]);
      await worker.unloadModel({ modelId: 'solver' }, { signal });
      const file = store.writeRecords(recordName(iteration, 'evaluation'), [
        ...greedy.records,
        ...sampled.records,
        ...(worked?.records ?? []),
      ]);
      return {
        metrics: {
          greedy: greedy.accuracy,
          mean: sampled.accuracy,
          meanError: sampled.error,
          majority: sampled.majority,
          ...(worked === undefined ? {} : { worked: worked.accuracy }),
        },
        files: [file],
        value: {},
      };
    },
  );
  return metrics;
}

async function sit(context: LoopContext, tally: Tally, mode: Mode, sampling: Sampling, n: number) {
  const { settings, worker, exam } = context;
  const prefix = mode === 'worked' ? exam.workedPrefix : undefined;
  const request = {
    modelId: 'solver',
    conversations: exam.questions.map((question) => solverConversation(question, prefix)),
    n,
    // The same seeds in every iteration: evaluations are paired, so their difference has less noise.
    seeds: requestSeeds(settings.seed, exam.questions.length, 'evaluation', mode),
    sampling,
  };
  const responses = (
    await Promise.all(drawEach(worker, request, tally.call(), ({ texts }) => groupTexts(texts, n)))
  ).flat();
  const correct = exam.grade(responses);
  const majority = exam.gradeMajority(responses);
  const byQuestion = correct.map((marks) => mean(marks.map(Number)));
  return {
    /** Standard error of the accuracy, over questions: the samples of one are not independent. */
    error: standardDeviation(byQuestion) / Math.sqrt(byQuestion.length),
    accuracy: mean(correct.flat().map(Number)),
    majority: mean(majority.map(Number)),
    records: exam.questions.map((question, index) => ({
      question,
      mode,
      responses: responses[index],
      correct: correct[index],
      ...(n > 1 ? { majorityCorrect: majority[index] } : {}),
    })),
  };
}
