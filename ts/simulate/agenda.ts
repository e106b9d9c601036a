interface Entry<T> {
  key: number;
  /** Ties go in the order in which they came. */
  order: number;
  item: T;
}

/** Items by a number, the least first; of equal ones the one that came first (a binary heap). */
export class Agenda<T> {
  private readonly heap: Entry<T>[] = [];
  private orders = 0;

  get size(): number {
    return this.heap.length;
  }

  /** The least number; Infinity where there is none. */
  get first(): number {
    return this.heap[0]?.key ?? Number.POSITIVE_INFINITY;
  }

  add(key: number, item: T): void {
    const entry: Entry<T> = { key, order: this.orders++, item };
    const { heap } = this;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry<T>;
      if (!isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Take the first item out. */
  take(): T | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.item;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry<T>, heap[child] as Entry<T>)) child += 1;
      const below = heap[child] as Entry<T>;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
    return first.item;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.key < b.key || (a.key === b.key && a.order < b.order);
}
