import type { Timing } from './timing.ts';

/**
 * How fast requests may go out: a token bucket, that is a token a request, refilled evenly, which holds a second's worth of
 * tokens and at least one. So no minute sees more than the rate and one second's worth.
 */
export class Pace {
  private readonly timing: Timing;
  /** Tokens a millisecond. */
  private readonly rate: number;
  private readonly capacity: number;
  private tokens: number;
  private filledAt: number;
  private heldUntil = Number.NEGATIVE_INFINITY;
  private queue: Promise<void> = Promise.resolve();

  /** @param perMinute more than 0; infinite where nothing is limited */
  constructor(perMinute: number, timing: Timing) {
    this.timing = timing;
    this.rate = perMinute / 60_000;
    this.capacity = Math.max(1, perMinute / 60);
    this.tokens = this.capacity;
    this.filledAt = timing.now();
  }

  /** Resolves when one more request may go out, in the order of the calls. @throws the reason of `signal` */
  turn(signal: AbortSignal): Promise<void> {
    const turn = this.queue.then(() => this.token(signal));
    this.queue = turn.catch(() => {});
    return turn;
  }

  /** Nobody gets a turn for as long. */
  hold(milliseconds: number): void {
    this.heldUntil = Math.max(this.heldUntil, this.timing.now() + milliseconds);
  }

  private async token(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const now = this.timing.now();
      if (now > this.filledAt) {
        this.tokens = Math.min(this.capacity, this.tokens + (now - this.filledAt) * this.rate);
        this.filledAt = now;
      }
      const wait = Math.max(this.heldUntil - now, this.tokens >= 1 ? 0 : (1 - this.tokens) / this.rate);
      if (wait <= 0) break;
      await this.timing.sleep(Math.ceil(wait), signal);
    }
    this.tokens -= 1;
  }
}
