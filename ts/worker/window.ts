import { onceAborted } from './aborts.ts';
import { cancelledError } from './pendingCalls.ts';

interface Waiting {
  bytes: number;
  enter(): void;
}

/** Who asks to enter. */
interface Told {
  /** @param leave gives the room back */
  enter(leave: () => void): void;
  cancel(error: Error): void;
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
    let entered: (() => void) | undefined;
    let onEnter = (leave: () => void): void => {
      entered = leave;
    };
    let onCancel: (error: Error) => void = () => {};
    this.ask(bytes, signal, { enter: (leave) => onEnter(leave), cancel: (error) => onCancel(error) });
    if (entered !== undefined) return entered;
    return new Promise((resolve, reject) => {
      onEnter = resolve;
      onCancel = reject;
    });
  }

  /** Told by callbacks, since promises in promises would settle in another order than that in which there was room. */
  private ask(bytes: number, signal: AbortSignal | undefined, told: Told): void {
    const inside = (): void => {
      const leave = this.exit(bytes);
      if (this.outer === undefined) {
        told.enter(leave);
        return;
      }
      this.outer.ask(bytes, signal, {
        enter: (leaveOuter) =>
          told.enter(() => {
            leave();
            leaveOuter();
          }),
        cancel: (error) => {
          leave();
          told.cancel(error);
        },
      });
    };
    if (this.queue.length > 0 || !this.fits(bytes)) {
      this.wait(bytes, signal, { enter: inside, cancel: told.cancel });
      return;
    }
    this.taken += bytes;
    inside();
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

  private wait(
    bytes: number,
    signal: AbortSignal | undefined,
    told: { enter(): void; cancel(error: Error): void },
  ): void {
    const forget = onceAborted(signal, () => {
      this.queue.splice(this.queue.indexOf(waiting), 1);
      told.cancel(cancelledError());
      // Whoever came behind may fit where this one did not.
      this.admit();
    });
    const waiting: Waiting = {
      bytes,
      enter: () => {
        forget();
        told.enter();
      },
    };
    this.queue.push(waiting);
  }

  private admit(): void {
    for (let next = this.queue[0]; next !== undefined && this.fits(next.bytes); next = this.queue[0]) {
      this.queue.shift();
      this.taken += next.bytes;
      next.enter();
    }
  }
}
