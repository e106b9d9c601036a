/** Disjoint sets of the items 0 ... n-1, at first one each (union-find). */
export class Forest {
  /** Items of the largest set. */
  largest: number;
  private readonly parent: Int32Array;
  private readonly sizes: Int32Array;

  constructor(n: number) {
    this.parent = Int32Array.from({ length: n }, (_, i) => i);
    this.sizes = new Int32Array(n).fill(1);
    this.largest = Math.min(n, 1);
  }

  /** The item that stands for the set of another. */
  root(item: number): number {
    const { parent } = this;
    let at = item;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  }

  /** Make one set of those of two items. */
  join(a: number, b: number): void {
    const x = this.root(a);
    const y = this.root(b);
    if (x === y) return;
    const isFirstSmall = (this.sizes[x] as number) < (this.sizes[y] as number);
    const small = isFirstSmall ? x : y;
    const large = isFirstSmall ? y : x;
    const size = (this.sizes[small] as number) + (this.sizes[large] as number);
    this.parent[small] = large;
    this.sizes[large] = size;
    this.largest = Math.max(this.largest, size);
  }

  /** The sets by number; 0 for the set of item 0, then in order of first appearance. */
  labels(): Int32Array {
    const names = new Map<number, number>();
    return Int32Array.from(this.parent, (_, item) => {
      const root = this.root(item);
      const name = names.get(root) ?? names.size;
      names.set(root, name);
      return name;
    });
  }

  /** `[label]`: the items of the set, ascending. */
  groups(): number[][] {
    const groups: number[][] = [];
    this.labels().forEach((label, item) => {
      groups[label] ??= [];
      groups[label].push(item);
    });
    return groups;
  }
}
