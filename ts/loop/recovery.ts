import { coevolve } from './coevolve.ts';
import { type LoopContext, tellRecovery } from './context.ts';
import { PhaseUndone, Stopped } from './errors.ts';
import { failedWith } from './workerFailure.ts';

/**
 * {@link coevolve}, from the journal again whenever what was in training is lost with its worker, or something that an
 * earlier phase left turns out to be damaged. What was done stays done; the one way to recover is to replay.
 *
 * @throws Stopped where the run was told to stop; what `coevolve` throws, and a loss after which nothing gets on
 */
export async function coevolveThrough(context: LoopContext): Promise<void> {
  const { history, signal, stopping, mostLosses } = context;
  let losses = 0;
  let reached = -1;
  for (;;) {
    try {
      await coevolve(context);
      return;
    } catch (error) {
      if (error instanceof PhaseUndone) {
        tellRecovery(context, error.message);
        continue;
      }
      if (stopping.aborted && !signal.aborted && failedWith(error, 'cancelled')) throw new Stopped();
      if (stopping.aborted || signal.aborted || !failedWith(error, 'worker_gone')) throw error;
      losses = history.size > reached ? 1 : losses + 1;
      reached = history.size;
      if (losses >= mostLosses) throw error;
      tellRecovery(context, 'what was in training is lost with its worker: going on from what is on record');
    }
  }
}
