import { InvalidArgument } from './errors.ts';

/**
 * Agglomerative clustering with average linkage (UPGMA): the two closest clusters are merged while
 * their distance, the mean over all pairs of members, is strictly below the threshold. Like
 * scikit-learn's AgglomerativeClustering(metric='precomputed', linkage='average', distance_threshold),
 * ties included: two clusters exactly at the threshold stay apart, and among equally near neighbours
 * the previous one of the chain comes first, then the one with the lowest index.
 *
 * By nearest-neighbour chains (Murtagh 1983; Müllner 2011, arXiv 1109.2378, section 3.2): O(n^2) time,
 * one copy of the distances. Average linkage is reducible, so merging mutual nearest neighbours in
 * any order builds the same tree, and its cut is the union of all merges below the threshold.
 *
 * @param distances condensed, (0,1), (0,2), ..., (1,2), ...; not changed
 * @returns one label an item; 0 for the cluster of item 0, then in order of first appearance
 */
export function averageLinkage(distances: Float64Array, n: number, threshold: number): Int32Array {
  if (distances.length !== (n * (n - 1)) / 2) {
    throw new InvalidArgument(`averageLinkage: ${distances.length} distances for ${n} items, expected n (n - 1) / 2`);
  }
  const between = new Distances(distances, n);
  const size = new Int32Array(n).fill(1);
  const parent = Int32Array.from({ length: n }, (_, i) => i);
  const chain: number[] = [];
  for (let merges = 0; merges < n - 1; merges++) {
    if (chain.length === 0) chain.push(size.findIndex((members) => members > 0));
    const { a, b, distance } = mutualNeighbours(chain, between, size);
    // The merged cluster lives on at the higher index.
    merge(between, size, Math.min(a, b), Math.max(a, b));
    if (distance < threshold) parent[root(parent, a)] = root(parent, b);
  }
  return labels(parent);
}

/** Each item's share of the batch that is in its cluster, |C| / n, in (0, 1]. */
export function clusterShares(labels: Int32Array): Float64Array {
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return Float64Array.from(labels, (label) => (sizes.get(label) as number) / labels.length);
}

/** A symmetric matrix of distances that shrinks as clusters merge. */
class Distances {
  private readonly values: Float64Array;
  private readonly n: number;

  constructor(condensed: Float64Array, n: number) {
    this.values = condensed.slice();
    this.n = n;
  }

  get(i: number, j: number): number {
    return this.values[this.index(i, j)] as number;
  }

  set(i: number, j: number, value: number): void {
    this.values[this.index(i, j)] = value;
  }

  private index(i: number, j: number): number {
    const low = Math.min(i, j);
    const high = Math.max(i, j);
    return (low * (2 * this.n - low - 3)) / 2 + high - 1;
  }
}

/** Follows nearest neighbours from the chain's end until two are each other's, and takes those off the chain. */
function mutualNeighbours(
  chain: number[],
  between: Distances,
  size: Int32Array,
): { a: number; b: number; distance: number } {
  for (;;) {
    const last = chain[chain.length - 1] as number;
    const previous = chain[chain.length - 2];
    // Only something strictly nearer than the previous element continues the chain; else ties would go in circles.
    let nearest = previous ?? -1;
    let distance = previous === undefined ? Number.POSITIVE_INFINITY : between.get(last, previous);
    for (let i = 0; i < size.length; i++) {
      if (size[i] === 0 || i === last) continue;
      const candidate = between.get(last, i);
      if (candidate < distance) {
        distance = candidate;
        nearest = i;
      }
    }
    if (nearest === previous) {
      chain.length -= 2;
      return { a: last, b: nearest, distance };
    }
    chain.push(nearest);
  }
}

/** Cluster `from` joins `into`; the distances to the others are the means weighted by members (Lance and Williams). */
function merge(between: Distances, size: Int32Array, from: number, into: number): void {
  const [fromSize, intoSize] = [size[from] as number, size[into] as number];
  size[from] = 0;
  size[into] = fromSize + intoSize;
  for (let i = 0; i < size.length; i++) {
    if (size[i] === 0 || i === into) continue;
    const mean = (fromSize * between.get(i, from) + intoSize * between.get(i, into)) / (fromSize + intoSize);
    between.set(i, into, mean);
  }
}

function root(parent: Int32Array, item: number): number {
  let at = item;
  while (parent[at] !== at) {
    parent[at] = parent[parent[at] as number] as number;
    at = parent[at] as number;
  }
  return at;
}

function labels(parent: Int32Array): Int32Array {
  const names = new Map<number, number>();
  return Int32Array.from(parent, (_, item) => {
    const of = root(parent, item);
    if (!names.has(of)) names.set(of, names.size);
    return names.get(of) as number;
  });
}
