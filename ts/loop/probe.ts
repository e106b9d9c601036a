import { answerQuestions, partSeeds } from './ask.ts';
import type { LoopContext } from './context.ts';
import { loadJudges, unloadJudges } from './judges.ts';
import type { PhaseScope } from './phase.ts';

/**
 * How often the majority of the Solver's answers is right on the user's questions with known answers
 * (`warnings.labels.probe`), asked as it answers candidates. The seeds are their own and the same in every iteration:
 * nothing else of the run moves, and iterations are compared on the same draws.
 *
 * @param solvers weights that answer, the latest first
 * @param votes answers a question
 */
export async function sitProbe(
  context: LoopContext,
  scope: PhaseScope,
  solvers: readonly string[],
  votes: number,
): Promise<Record<string, number>> {
  const { settings, worker, probe } = context;
  if (probe === undefined) return {};
  const judges = await loadJudges(context, solvers, votes);
  const asking = {
    judges,
    sampling: settings.answering.sampling,
    voting: settings.questions.voting,
    seed: partSeeds(settings.seed, 'warnings', 'probe', 'answer'),
  };
  const questions = probe.questions.map((text, number) => ({ text, number }));
  const answered = await answerQuestions(worker, questions, asking, scope.call);
  await unloadJudges(context, judges);
  return {
    probeAccuracy: probe.accuracy(answered.map(({ responses }) => responses)),
    probeQuestions: questions.length,
  };
}
