import { cancelledError } from './pendingCalls.ts';

interface Waiting {
  bytes: number;
  enter(): void;
}

/**
 * Back-pressure: how many bytes of requests may be under way at once. Who does not fit waits its turn,
 * first come, first served; one that is larger than the window goes alone. A window may be part of a larger one,
 * which all who enter it must fit into as well.
 */
export class Window {
  private readonly limit: number;
  private taken = 0;
  private readonly queue: Waiting[] = [];
  private readonly outer: Window | undefined;

  /**
   * @param limit bytes, above 0
   * @param outer what it is part of
   */
  constructor(limit: number, outer?: Window) {
    this.limit = limit;
    this.outer = outer;
  }

  /** Requests that wait for room. */
  get waiting(): number {
    return this.queue.length;
  }

  /**
   * Enter, at once where there is room, so that requests leave in the order in which they are made.
   * @returns what gives the room back, to be called once; a promise of it where there is none yet, which
   *   rejects with a WorkerCallError `cancelled` when `signal` is aborted before
   */
  enter(bytes: number, signal?: AbortSignal): (() => void) | Promise<() => void> {
    if (this.queue.length > 0 || !this.fits(bytes)) {
      return this.wait(bytes, signal).then(() => this.enterOuter(bytes, signal));
    }
    this.taken += bytes;
    return this.enterOuter(bytes, signal);
  }

  private enterOuter(bytes: number, signal: AbortSignal | undefined): (() => void) | Promise<() => void> {
    const leave = this.exit(bytes);
    const both = (leaveOuter: () => void) => () => {
      leave();
      leaveOuter();
    };
    const outer = this.outer?.enter(bytes, signal);
    if (outer === undefined) return leave;
    if (typeof outer === 'function') return both(outer);
    return outer.then(both, (error) => {
      leave();
      throw error;
    });
  }

  private exit(bytes: number): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.taken -= bytes;
      this.admit();
    };
  }

  private fits(bytes: number): boolean {
    return this.taken === 0 || this.taken + bytes <= this.limit;
  }

  private wait(bytes: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.queue.splice(this.queue.indexOf(waiting), 1);
        reject(cancelledError());
        // Whoever came behind may fit where this one did not.
        this.admit();
      };
      const waiting: Waiting = {
        bytes,
        enter: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.queue.push(waiting);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  private admit(): void {
    for (let next = this.queue[0]; next !== undefined && this.fits(next.bytes); next = this.queue[0]) {
      this.queue.shift();
      this.taken += next.bytes;
      next.enter();
    }
  }
}
