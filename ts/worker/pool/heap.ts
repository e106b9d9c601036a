interface Node<T> {
  readonly item: T;
  rank: readonly number[];
}

/**
 * Items by rank, the least first: a binary heap that knows where each item is, so that one that changes its rank or
 * leaves takes O(log n). A rank is what it was when it was given; ranks are compared number by number.
 */
export class Heap<T> {
  private readonly nodes: Node<T>[] = [];
  private readonly places = new Map<T, number>();

  get size(): number {
    return this.nodes.length;
  }

  get first(): T | undefined {
    return this.nodes[0]?.item;
  }

  /** All items, in no order. */
  *[Symbol.iterator](): Iterator<T> {
    for (const { item } of this.nodes) yield item;
  }

  /** Put an item in, or give it another rank. @param rank as many numbers as all others' */
  set(item: T, rank: readonly number[]): void {
    const place = this.places.get(item);
    if (place === undefined) {
      this.nodes.push({ item, rank });
      this.rise(this.nodes.length - 1);
    } else {
      (this.nodes[place] as Node<T>).rank = rank;
      this.sink(this.rise(place));
    }
  }

  /** Take an item out, if it is there. */
  delete(item: T): void {
    const place = this.places.get(item);
    if (place === undefined) return;
    this.places.delete(item);
    const last = this.nodes.pop() as Node<T>;
    if (place === this.nodes.length) return;
    this.nodes[place] = last;
    this.sink(this.rise(place));
  }

  /** @returns where the node ends */
  private rise(from: number): number {
    const node = this.nodes[from] as Node<T>;
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.nodes[above] as Node<T>;
      if (!isLess(node.rank, parent.rank)) break;
      this.put(parent, place);
      place = above;
    }
    this.put(node, place);
    return place;
  }

  private sink(from: number): void {
    const node = this.nodes[from] as Node<T>;
    let place = from;
    for (;;) {
      const [left, right] = [this.nodes[2 * place + 1], this.nodes[2 * place + 2]];
      if (left === undefined) break;
      const isRight = right !== undefined && isLess(right.rank, left.rank);
      const child = isRight ? right : left;
      if (!isLess(child.rank, node.rank)) break;
      this.put(child, place);
      place = 2 * place + (isRight ? 2 : 1);
    }
    this.put(node, place);
  }

  private put(node: Node<T>, place: number): void {
    this.nodes[place] = node;
    this.places.set(node.item, place);
  }
}

function isLess(one: readonly number[], other: readonly number[]): boolean {
  for (let index = 0; index < one.length; index++) {
    const difference = (one[index] as number) - (other[index] as number);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
