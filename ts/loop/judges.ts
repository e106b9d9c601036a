import type { LoopContext } from './context.ts';

/** A frozen Solver in the worker, and how many of the m answers it gives. */
export interface Judge {
  modelId: string;
  votes: number;
}

/**
 * Load the Solvers that answer. They share m answers out as evenly as can be, the first ones more.
 *
 * @param solvers weights, the latest first, at least one
 */
export async function loadJudges(
  { worker, settings, signal }: LoopContext,
  solvers: readonly string[],
  m: number,
): Promise<Judge[]> {
  const judges = solvers.map((_, index) => ({
    modelId: index === 0 ? 'solver' : `solver-${index + 1}`,
    votes: Math.ceil((m - index) / solvers.length),
  }));
  for (const [index, { modelId }] of judges.entries()) {
    const source = solvers[index] as string;
    await worker.loadModel({ modelId, source, trainable: false, role: 'sample', seed: settings.seed }, { signal });
  }
  return judges;
}

/** Free them. */
export async function unloadJudges({ worker, signal }: LoopContext, judges: readonly Judge[]): Promise<void> {
  for (const { modelId } of judges) await worker.unloadModel({ modelId }, { signal });
}
