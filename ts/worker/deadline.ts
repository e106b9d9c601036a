import { WorkerCallError } from './errors.ts';

/** What {@link within} gives when time ran out. */
export const TIMED_OUT: unique symbol = Symbol('timed out');

/** The value of `promise`, or TIMED_OUT when it has not settled after `milliseconds`. Leaves no timer behind. */
export async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | typeof TIMED_OUT> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
    timer = setTimeout(() => resolve(TIMED_OUT), milliseconds);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise that rejects with `cancelled` when the signal is aborted; `forget` it when it is not awaited any more. */
export function abortion(
  signal: AbortSignal | undefined,
  message: string,
): { promise: Promise<never>; forget(): void } {
  let onAbort: () => void = () => {};
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => reject(new WorkerCallError('cancelled', message));
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
  });
  return { promise, forget: () => signal?.removeEventListener('abort', onAbort) };
}
