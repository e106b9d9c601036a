/** So many at a time, the others in the order of their calls. */
export class Slots {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  /** @param count from 1 */
  constructor(count: number) {
    this.free = count;
  }

  /** Do something as soon as there is a slot for it. */
  async with<T>(action: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await action();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.free += 1;
      else next();
    }
  }
}
