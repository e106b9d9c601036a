import { type Comparison, condensed, nearInRow, type Similarity } from './comparison.ts';
import { InvalidArgument } from './errors.ts';
import { Forest } from './forest.ts';
import { Chains, type Linkage, TOLERANCE } from './linkage.ts';

/** What makes clusters of texts. */
export interface Clustering {
  readonly similarity: Similarity;
  /** Clusters are merged while their distance is below it. */
  readonly threshold: number;
  readonly linkage: Linkage;
}

/** Whose distances take 16 MiB. */
const SMALL = 2048;

/**
 * Clusters of texts, exactly those of the whole matrix of distances, which is made only where it has to be.
 *
 * Clusters below the threshold have a pair of members below it, so no cluster reaches beyond a component of the graph
 * of such pairs, and each component is clustered alone. One thing can still depend on the rest of the batch: the order
 * of merges, which counts where distances are tied. Where a tie could matter, all distances are computed, and it falls
 * as in scikit-learn; so they are where one component has most of the texts, and in small batches, where all distances
 * are soon computed.
 *
 * @param small texts up to which a batch is small
 * @returns one label a text; 0 for the cluster of text 0, then in order of first appearance
 */
export function clusterTexts(texts: readonly string[], clustering: Clustering, small = SMALL): Int32Array {
  const { similarity, threshold, linkage } = clustering;
  const comparison = similarity.compare(texts);
  if (texts.length <= small) return clusterAll(comparison, clustering);
  const components = componentsBelow(comparison, threshold + TOLERANCE);
  const clusters = new Forest(texts.length);
  for (const members of components ?? []) {
    const distances = condensed(similarity.compare(members.map((member) => texts[member] as string)));
    const chains = new Chains(distances, members.length, threshold, linkage);
    if (!chains.runUnlessTied()) return clusterAll(comparison, clustering);
    members.forEach((member, k) => {
      clusters.join(member, members[chains.clusters.root(k)] as number);
    });
  }
  return components === undefined ? clusterAll(comparison, clustering) : clusters.labels();
}

function clusterAll(comparison: Comparison, { threshold, linkage }: Clustering): Int32Array {
  const chains = new Chains(condensed(comparison), comparison.size, threshold, linkage);
  chains.run();
  return chains.clusters.labels();
}

/**
 * Components of the graph of pairs below the limit, those of two texts and more, the largest first: ties are most likely
 * there. Undefined if one has most texts.
 */
function componentsBelow(comparison: Comparison, limit: number): number[][] | undefined {
  const n = comparison.size;
  const forest = new Forest(n);
  const found = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const isKnown = (j: number) => forest.root(i) === forest.root(j);
    const count = comparison.near?.(i, limit, found, isKnown) ?? nearInRow(comparison, i, limit, found);
    for (let k = 0; k < count; k++) forest.join(i, found[k] as number);
    if (forest.largest > n / 2) return undefined;
  }
  const components = forest.groups().filter((members) => members.length > 1);
  return components.sort((a, b) => b.length - a.length);
}

/**
 * Agglomerative clustering with average linkage (UPGMA), equal to scikit-learn's
 * AgglomerativeClustering(metric='precomputed', linkage='average', distance_threshold); see {@link Chains}.
 *
 * @param distances condensed, (0,1), (0,2), ..., (1,2), ...; not changed
 * @returns one label an item; 0 for the cluster of item 0, then in order of first appearance
 */
export function averageLinkage(distances: Float64Array, n: number, threshold: number): Int32Array {
  if (distances.length !== (n * (n - 1)) / 2) {
    throw new InvalidArgument(`averageLinkage: ${distances.length} distances for ${n} items, expected n (n - 1) / 2`);
  }
  const chains = new Chains(distances.slice(), n, threshold, 'average');
  chains.run();
  return chains.clusters.labels();
}

/** Each item's share of the batch that is in its cluster, |C| / n, in (0, 1]. */
export function clusterShares(labels: Int32Array): Float64Array {
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return Float64Array.from(labels, (label) => (sizes.get(label) as number) / labels.length);
}
