import type { Roles } from '../domain/settings.ts';
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
 * with Challenger 0 = Solver 0 = base; `settings.roles` has the variants. The Solver sits the held-out exam before
 * the first iteration and after each.
 *
 * @throws TooFewQuestions; WorkerCallError `cancelled` when the context's signal is aborted, `worker_gone` when the
 *   worker dies
 */
export async function coevolve(context: LoopContext): Promise<void> {
  const { settings, history, reporter } = context;
  const trainsChallenger = settings.arm !== 'untrained-challenger';
  const { models, challengerFrom, judge, ensemble } = settings.roles;
  let challenger = settings.model;
  // The latest first; the base is the first Solver of all.
  const solvers = [settings.model];
  const latest = () => solvers[0] as string;
  const keptQuestions: string[] = [];
  await evaluatePhase(context, 0, latest());
  for (let iteration = 1; iteration <= settings.iterations; iteration++) {
    const fromBase = !trainsChallenger || challengerFrom === 'base';
    const starts = {
      iteration,
      challengerFrom: fromBase ? 0 : iteration - 1,
      solverFrom: iteration - 1,
      ...variantOf(settings.roles, iteration),
    };
    if (!history.hasIteration(iteration)) history.record({ type: 'iteration', ...starts, trainsChallenger });
    reporter.report({ type: 'iteration-started', ...starts, trainsChallenger });
    const judges = judge === 'ensemble' ? solvers.slice(0, ensemble) : [latest()];
    if (trainsChallenger) {
      const previous = models === 'one' ? latest() : challenger;
      const start = { previous, solver: latest(), base: settings.model }[challengerFrom];
      challenger = await challengerPhase(context, iteration, start, judges, keptQuestions);
    }
    const answering = judge === 'current' && trainsChallenger ? [challenger] : judges;
    const problems = await questionPhase(context, iteration, challenger, answering);
    keptQuestions.push(...problems.map(({ question }) => question));
    const solverFrom = models === 'one' && trainsChallenger ? challenger : latest();
    solvers.unshift(await solverPhase(context, iteration, solverFrom, problems));
    await evaluatePhase(context, iteration, latest());
  }
}

function variantOf({ models, challengerFrom, judge, ensemble }: Roles, iteration: number) {
  if (models === 'two' && challengerFrom === 'previous' && judge === 'frozen') return {};
  const state = (role: string) => (iteration === 1 ? 'the base' : `${role} ${iteration - 1}`);
  const last = Math.min(ensemble, iteration);
  const start = {
    previous: state(models === 'one' ? 'Solver' : 'Challenger'),
    solver: state('Solver'),
    base: 'the base',
  };
  return {
    variant: {
      challengerFrom: start[challengerFrom],
      judge: { frozen: state('Solver'), current: 'itself', ensemble: `the last ${last} Solvers` }[judge],
      solverFrom: models === 'one' ? `Challenger ${iteration}` : state('Solver'),
    },
  };
}
