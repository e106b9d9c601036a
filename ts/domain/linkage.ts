import { requireDistance } from './comparison.ts';
import { Forest } from './forest.ts';

/** How far two clusters are apart: the mean of their members' distances, the largest or the smallest. */
export const LINKAGES = ['average', 'complete', 'single'] as const;
export type Linkage = (typeof LINKAGES)[number];

/** More than roundings can move a distance of clusters; smaller differences do not tell which distance is larger. */
export const TOLERANCE = 1e-9;

/**
 * Agglomerative clustering: the two closest clusters are merged while their distance is strictly below the threshold,
 * as by scikit-learn's AgglomerativeClustering(metric='precomputed', linkage, distance_threshold), ties and roundings
 * included: two clusters exactly at the threshold stay apart, and among equally near neighbours the previous one of
 * the chain comes first, then the one with the lowest index.
 *
 * By nearest-neighbour chains (Murtagh 1983; Müllner 2011, arXiv 1109.2378, section 3.2): O(n^2) time, and hardly any
 * memory besides the distances. These linkages are reducible, so merging mutual nearest neighbours in any order builds
 * the same tree, and its cut is the union of all merges below the threshold. The upper part of the tree is not built: a
 * cluster whose nearest neighbour is not below the threshold will never have one.
 */
export class Chains {
  /** What has been merged below the threshold. */
  readonly clusters: Forest;
  private readonly distances: Float64Array;
  private readonly threshold: number;
  private readonly linkage: Linkage;
  /** `[i] + j`: where the distance of i < j lies. */
  private readonly offsets: Float64Array;
  /** Members of a cluster, by the item that stands for it. */
  private readonly sizes: Int32Array;
  /** The clusters, ascending; the first `left` of them. */
  private readonly active: Int32Array;
  private left: number;
  /** The nearest neighbour of a cluster, the lowest of equally near ones, and its distance; -1: not known any more. */
  private readonly nearest: Int32Array;
  private readonly least: Float64Array;
  /** 1: the cluster may have a neighbour below the threshold. */
  private readonly open: Uint8Array;
  private opened = 0;
  private readonly chain: number[] = [];

  /** @param distances condensed, (0,1), (0,2), ..., (1,2), ..., at least 0; overwritten */
  constructor(distances: Float64Array, n: number, threshold: number, linkage: Linkage) {
    this.distances = distances;
    this.threshold = threshold;
    this.linkage = linkage;
    this.clusters = new Forest(n);
    this.offsets = Float64Array.from({ length: n }, (_, i) => (i * (2 * n - i - 3)) / 2 - 1);
    this.sizes = new Int32Array(n).fill(1);
    this.active = Int32Array.from({ length: n }, (_, i) => i);
    this.left = n;
    this.nearest = new Int32Array(n).fill(-1);
    this.least = new Float64Array(n).fill(Number.POSITIVE_INFINITY);
    this.open = new Uint8Array(n);
    this.read(n);
  }

  /** Merge all there is to merge, ties as scikit-learn resolves them. */
  run(): void {
    while (this.isOpen()) this.step();
  }

  /**
   * Merge all there is to merge, unless the order of merges could matter to the clusters: where equally near
   * neighbours are not all equally near to each other (if they are, they all end in one cluster, whoever is first), or a
   * distance is the threshold but for rounding.
   * @returns whether it is done; else what has been merged is of no use
   */
  runUnlessTied(): boolean {
    while (this.isOpen()) if (!this.step(true)) return false;
    return true;
  }

  private isOpen(): boolean {
    return this.opened > 0 && this.left > 1;
  }

  /** Find nearest neighbours and what is open. */
  private read(n: number): void {
    const { distances, open } = this;
    const limit = this.threshold + TOLERANCE;
    let largest = 0;
    for (let i = 0, at = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++, at++) {
        const distance = distances[at] as number;
        requireDistance(distance, i, j);
        if (distance < limit) open[i] = open[j] = 1;
        if (distance > largest) largest = distance;
        this.offer(i, j, distance);
        this.offer(j, i, distance);
      }
    }
    if (largest < this.threshold - TOLERANCE) {
      // Whatever the order, all end in one cluster.
      for (let i = 1; i < n; i++) this.clusters.join(0, i);
    } else {
      for (const one of open) this.opened += one;
    }
  }

  /** A candidate for the nearest neighbour of x; those of a cluster come in ascending order. */
  private offer(x: number, candidate: number, distance: number): void {
    if (distance < (this.least[x] as number)) {
      this.least[x] = distance;
      this.nearest[x] = candidate;
    }
  }

  /** Follow nearest neighbours until two are each other's, and merge those. */
  private step(wary = false): boolean {
    const { chain } = this;
    if (chain.length === 0) chain.push(this.active[0] as number);
    for (;;) {
      const last = chain[chain.length - 1] as number;
      const previous = chain[chain.length - 2] ?? -1;
      const nearest = this.nearestOf(last, previous);
      const distance = this.between(last, nearest);
      if (distance >= this.threshold + TOLERANCE) {
        this.close(last);
        if (!this.isOpen()) return true;
      } else if (wary && this.isTied(last, nearest, distance)) return false;
      if (nearest === previous) {
        chain.length -= 2;
        this.merge(Math.min(last, nearest), Math.max(last, nearest), distance);
        return true;
      }
      chain.push(nearest);
    }
  }

  /** The nearest neighbour of x; `previous`, unless it is -1, if none is strictly nearer. */
  private nearestOf(x: number, previous: number): number {
    if ((this.nearest[x] as number) < 0) this.search(x);
    if (previous >= 0 && this.between(x, previous) <= (this.least[x] as number)) return previous;
    return this.nearest[x] as number;
  }

  private search(x: number): void {
    const { active, left } = this;
    this.least[x] = Number.POSITIVE_INFINITY;
    for (let a = 0; a < left; a++) {
      const i = active[a] as number;
      if (i !== x) this.offer(x, i, this.between(x, i));
    }
  }

  private isTied(x: number, nearest: number, distance: number): boolean {
    if (distance > this.threshold - TOLERANCE) return true;
    for (let a = 0; a < this.left; a++) {
      const i = this.active[a] as number;
      if (i === x || i === nearest || this.between(x, i) > distance + TOLERANCE) continue;
      if (Math.abs(this.between(nearest, i) - distance) > TOLERANCE) return true;
    }
    return false;
  }

  /** Cluster `from` joins `into`, which is higher. */
  private merge(from: number, into: number, distance: number): void {
    const { distances, active, nearest, least, sizes } = this;
    this.close(from);
    this.left = remove(active, this.left, from);
    const m = sizes[from] as number;
    const n = sizes[into] as number;
    const isMean = this.linkage === 'average';
    const isLargest = this.linkage === 'complete';
    least[into] = Number.POSITIVE_INFINITY;
    for (let a = 0; a < this.left; a++) {
      const i = active[a] as number;
      if (i === into) continue;
      const at = this.at(i, into);
      const x = distances[this.at(i, from)] as number;
      const y = distances[at] as number;
      // Lance and Williams, with the roundings of SciPy.
      const merged = isMean ? (m * x + n * y) / (m + n) : isLargest ? Math.max(x, y) : Math.min(x, y);
      distances[at] = merged;
      this.offer(into, i, merged);
      const known = nearest[i] as number;
      if (known === from || known === into) nearest[i] = -1;
      else if (known > into && merged === (least[i] as number)) nearest[i] = into;
      else if (known >= 0) this.offer(i, into, merged);
    }
    sizes[into] = m + n;
    if (distance < this.threshold) this.clusters.join(from, into);
  }

  private close(x: number): void {
    this.opened -= this.open[x] as number;
    this.open[x] = 0;
  }

  private between(i: number, j: number): number {
    return this.distances[this.at(i, j)] as number;
  }

  private at(i: number, j: number): number {
    return i < j ? (this.offsets[i] as number) + j : (this.offsets[j] as number) + i;
  }
}

/** Takes a value out of the first `length` of an ascending list. */
function remove(list: Int32Array, length: number, value: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  list.copyWithin(low, low + 1, length);
  return length - 1;
}
