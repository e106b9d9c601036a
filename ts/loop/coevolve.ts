import type { Roles } from '../domain/settings.ts';
import { challengerPhase } from './challengerPhase.ts';
import type { LoopContext } from './context.ts';
import { evaluatePhase } from './evaluatePhase.ts';
import { questionPhase } from './questionPhase.ts';
import { solverPhase } from './solverPhase.ts';
import { modelName } from './sources.ts';
import { rollBacks } from './watch.ts';

/**
 * R-Zero (arXiv 2508.05004, algorithm 1): the base model becomes a Challenger and a Solver, which are
 * trained in turn, each from its own last weights and against the other's:
 *
 *     Challenger k  <-  Challenger k-1, judged by Solver k-1
 *     questions  k  <-  asked by Challenger k, answered by Solver k-1
 *     Solver     k  <-  Solver k-1, on questions k
 *
 * with Challenger 0 = Solver 0 = base; `settings.roles` has the variants. The Solver sits the held-out exam before
 * the first iteration and after each. After an early warning that asks for a roll-back, the next iteration starts from
 * the best iteration so far in place of the last: from its Solver and its Challenger.
 *
 * @throws TooFewQuestions; StoppedByWarning; WorkerCallError `cancelled` when the context's signal is aborted, `worker_gone` when the
 *   worker dies
 */
export async function coevolve(context: LoopContext): Promise<void> {
  const { settings, history, reporter, store } = context;
  const trainsChallenger = settings.arm !== 'untrained-challenger';
  const { models, challengerFrom, judge, ensemble } = settings.roles;
  const weights = (iteration: number, role: 'challenger' | 'solver') =>
    iteration === 0 ? settings.model : store.folder(modelName(iteration, role));
  /** By iteration: the Solver's marks, and the iteration that it started from. */
  const marks = [(await evaluatePhase(context, 0, settings.model)).mean ?? Number.NaN];
  const origins = [0];
  const keptQuestions: string[] = [];
  for (let iteration = 1; iteration <= settings.iterations; iteration++) {
    const from = history.iteration(iteration)?.solverFrom ?? startOf(context, iteration, marks);
    const solver = weights(from, 'solver');
    const judging = judge === 'ensemble' ? lineage(from, origins, ensemble) : [from];
    const judges = judging.map((one) => weights(one, 'solver'));
    const fromBase = !trainsChallenger || challengerFrom === 'base';
    const starts = {
      iteration,
      challengerFrom: fromBase ? 0 : from,
      solverFrom: from,
      ...variantOf(settings.roles, iteration, from, judges.length),
    };
    if (history.iteration(iteration) === undefined) history.record({ type: 'iteration', ...starts, trainsChallenger });
    reporter.report({ type: 'iteration-started', ...starts, trainsChallenger });
    let challenger = trainsChallenger ? weights(from, 'challenger') : settings.model;
    if (trainsChallenger) {
      const previous = models === 'one' ? solver : challenger;
      const start = { previous, solver, base: settings.model }[challengerFrom];
      challenger = await challengerPhase(context, iteration, start, judges, keptQuestions);
    }
    const answering = judge === 'current' && trainsChallenger ? [challenger] : judges;
    const problems = await questionPhase(context, iteration, challenger, answering);
    keptQuestions.push(...problems.map(({ question }) => question));
    const solverFrom = models === 'one' && trainsChallenger ? challenger : solver;
    const trained = await solverPhase(context, iteration, solverFrom, problems);
    origins[iteration] = from;
    marks[iteration] = (await evaluatePhase(context, iteration, trained)).mean ?? Number.NaN;
  }
  startOf(context, settings.iterations + 1, marks);
}

/** The iteration that a new one starts from: the last, or after a warning that asks for it the best so far. */
function startOf(context: LoopContext, iteration: number, marks: readonly number[]): number {
  const last = iteration - 1;
  const warnings = rollBacks(context, last);
  if (warnings.length === 0) return last;
  const best = bestOf(marks);
  const named = best === 0 ? 'the base' : `that of iteration ${best}`;
  const follows =
    iteration > context.settings.iterations
      ? 'no iteration follows'
      : best === last
        ? 'there is nothing to go back to'
        : `iteration ${iteration} starts from it, and from the Challenger of that time`;
  const message = `iteration ${last} gave ${warnings.join(', ')}; the best Solver so far is ${named}: ${follows}`;
  context.reporter.report({ type: 'roll-back', message });
  return best;
}

/** Which Solver did best by the mean over samples; of equals the first. */
function bestOf(marks: readonly number[]): number {
  return marks.reduce(
    (best, mark, one) => (mark > (marks[best] as number) || Number.isNaN(marks[best]) ? one : best),
    0,
  );
}

/** An iteration and those that its Solver comes from, the base last, `most` at most. */
function lineage(from: number, origins: readonly number[], most: number): number[] {
  const line = [from];
  for (let one = from; one > 0 && line.length < most; ) {
    one = origins[one] as number;
    line.push(one);
  }
  return line;
}

function variantOf({ models, challengerFrom, judge }: Roles, iteration: number, from: number, judges: number) {
  if (models === 'two' && challengerFrom === 'previous' && judge === 'frozen') return {};
  const state = (role: string) => (from === 0 ? 'the base' : `${role} ${from}`);
  const start = {
    previous: state(models === 'one' ? 'Solver' : 'Challenger'),
    solver: state('Solver'),
    base: 'the base',
  };
  return {
    variant: {
      challengerFrom: start[challengerFrom],
      judge: { frozen: state('Solver'), current: 'itself', ensemble: `the last ${judges} Solvers` }[judge],
      solverFrom: models === 'one' ? `Challenger ${iteration}` : state('Solver'),
    },
  };
}
