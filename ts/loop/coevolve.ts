import { challengerPhase } from './challengerPhase.ts';
import type { LoopContext } from './context.ts';
import { evaluatePhase } from './evaluatePhase.ts';
import { questionPhase } from './questionPhase.ts';
import { solverPhase } from './solverPhase.ts';

/**
 * R-Zero (arXiv 2508.05004, algorithm 1): the base model becomes a Challenger and a Solver, which are
 * trained in turn, each from its own last weights and against the other's:
 *
 *     Challenger k  <-  Challenger k-1, judged by Solver k-1
 *     questions  k  <-  asked by Challenger k, answered by Solver k-1
 *     Solver     k  <-  Solver k-1, on questions k
 *
 * with Challenger 0 = Solver 0 = base. The Solver sits the held-out exam before the first iteration
 * and after each.
 *
 * @throws WorkerCallError `cancelled` when the context's signal is aborted, `worker_gone` when the
 *   worker dies
 */
export async function coevolve(context: LoopContext): Promise<void> {
  const { settings, store, reporter } = context;
  const trainsChallenger = settings.arm !== 'untrained-challenger';
  let challenger = settings.model;
  let solver = settings.model;
  await evaluatePhase(context, 0, solver);
  for (let iteration = 1; iteration <= settings.iterations; iteration++) {
    const starts = { iteration, challengerFrom: trainsChallenger ? iteration - 1 : 0, solverFrom: iteration - 1 };
    store.appendMetrics({ kind: 'iteration', ...starts, trainsChallenger });
    reporter.report({ type: 'iteration-started', ...starts, trainsChallenger });
    if (trainsChallenger) {
      challenger = await challengerPhase(context, iteration, challenger, solver);
    }
    const problems = await questionPhase(context, iteration, challenger, solver);
    solver = await solverPhase(context, iteration, solver, problems);
    await evaluatePhase(context, iteration, solver);
  }
}
