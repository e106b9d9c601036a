/** An item's place in a queue, by which it leaves. */
export interface Place<T> {
  readonly item: T;
  /** Absent where it is the first, the last, or has left. */
  previous: Place<T> | undefined;
  next: Place<T> | undefined;
}

/** Items in order. Whoever has a place leaves in constant time, from the midst too: an array would move all behind it. */
export class Queue<T> {
  private head: Place<T> | undefined;
  private tail: Place<T> | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get first(): Place<T> | undefined {
    return this.head;
  }

  /** Join at the end. */
  push(item: T): Place<T> {
    const place: Place<T> = { item, previous: this.tail, next: undefined };
    if (this.tail === undefined) this.head = place;
    else this.tail.next = place;
    this.tail = place;
    this.count += 1;
    return place;
  }

  /** Join at the front. */
  unshift(item: T): Place<T> {
    const place: Place<T> = { item, previous: undefined, next: this.head };
    if (this.head === undefined) this.tail = place;
    else this.head.previous = place;
    this.head = place;
    this.count += 1;
    return place;
  }

  /** Leave; to be called once. */
  delete(place: Place<T>): void {
    if (place.previous === undefined) this.head = place.next;
    else place.previous.next = place.next;
    if (place.next === undefined) this.tail = place.previous;
    else place.next.previous = place.previous;
    this.count -= 1;
  }
}
