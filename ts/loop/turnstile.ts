/** Lets through in the order of numbers what comes in any order: whoever begins at k waits until [0, k) has passed. */
export class Turnstile {
  private next = 0;
  private readonly waiting = new Map<number, () => void>();

  /**
   * Wait for the turn of `count` items from number `first` on, then do something with them.
   * @param action done at once, so that the next may follow
   */
  async pass<T>(first: number, count: number, action: () => T): Promise<T> {
    if (first !== this.next) await new Promise<void>((resolve) => this.waiting.set(first, resolve));
    const result = action();
    this.next = first + count;
    this.waiting.get(this.next)?.();
    this.waiting.delete(this.next);
    return result;
  }
}
