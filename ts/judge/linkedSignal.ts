import { setMaxListeners } from 'node:events';

/** A signal that others abort. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  /** The others abort it no more. */
  unlink(): void;
}

/**
 * A signal that is aborted with the first of others, for as long as it is linked to them. AbortSignal.any leaves listeners on
 * a signal that outlives it, and warns where many listen.
 */
export function linkedSignal(...others: AbortSignal[]): LinkedSignal {
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const links = others.map((other) => {
    const stop = (): void => own.abort(other.reason);
    if (other.aborted) stop();
    else other.addEventListener('abort', stop);
    return () => other.removeEventListener('abort', stop);
  });
  return {
    signal: own.signal,
    abort: (reason) => own.abort(reason),
    unlink: () => {
      for (const unlink of links) unlink();
    },
  };
}
