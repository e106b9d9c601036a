import { WorkerCallError } from '../errors.ts';

/** The failure for a number that is NaN or infinite; `what` names it and its sequences. */
export function notFinite(what: string): WorkerCallError {
  return new WorkerCallError('not_finite', `${what} is not finite; nothing was changed`);
}
