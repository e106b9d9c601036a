import { setTimeout as delay } from 'node:timers/promises';

/** Time as the client uses it; tests pass one that nobody waits for. */
export interface Timing {
  /** Milliseconds since an arbitrary start; never goes back. */
  now(): number;
  /** Resolves after `milliseconds`. @throws the reason of `signal` */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Aborted after `milliseconds`. */
  timeout(milliseconds: number): AbortSignal;
}

export const realTiming: Timing = {
  now: () => performance.now(),
  async sleep(milliseconds, signal) {
    try {
      await delay(Math.ceil(milliseconds), undefined, { signal });
    } catch {
      signal.throwIfAborted();
    }
  },
  timeout: (milliseconds) => AbortSignal.timeout(milliseconds),
};
