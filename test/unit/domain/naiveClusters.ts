/**
 * What scikit-learn's AgglomerativeClustering(metric='precomputed', linkage='average', distance_threshold) does, step by
 * step and without any short cut: the whole tree by nearest-neighbour chains over a square matrix, the merges sorted by
 * distance, and the tree cut from its top into as many clusters as there are merges at or above the threshold, plus one.
 * @param distances condensed
 * @returns labels in order of first appearance
 */
export function naiveClusters(distances: Float64Array, n: number, threshold: number): number[] {
  if (n < 2) return Array.from({ length: n }, () => 0);
  const merges = tree(square(distances, n)).sort((a, b) => a.distance - b.distance);
  const children: [number, number][] = [];
  const nodeOf = new Map(Array.from({ length: n }, (_, item) => [item, item]));
  const members = Array.from({ length: n }, (_, item) => [item]);
  for (const { a, b } of merges) {
    const pair: [number, number] = [nodeOf.get(a) as number, nodeOf.get(b) as number];
    const node = n + children.length;
    children.push(pair);
    members.push(pair.flatMap((child) => members[child] as number[]));
    for (const item of members[node] as number[]) nodeOf.set(item, node);
  }
  const kept = merges.filter(({ distance }) => distance >= threshold).length + 1;
  const nodes = [n + children.length - 1];
  while (nodes.length < kept) {
    const top = nodes.splice(nodes.indexOf(Math.max(...nodes)), 1)[0] as number;
    nodes.push(...(children[top - n] as [number, number]));
  }
  const labels: number[] = [];
  for (const node of nodes) for (const item of members[node] as number[]) labels[item] = node;
  const names = [...new Set(labels)];
  return labels.map((label) => names.indexOf(label));
}

function square(distances: Float64Array, n: number): number[][] {
  const matrix = Array.from({ length: n }, () => new Array<number>(n).fill(0));
  let at = 0;
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++, at++) {
      (matrix[i] as number[])[j] = (matrix[j] as number[])[i] = distances[at] as number;
    }
  }
  return matrix;
}

function tree(matrix: number[][]): { a: number; b: number; distance: number }[] {
  const n = matrix.length;
  const size = new Array<number>(n).fill(1);
  const merges: { a: number; b: number; distance: number }[] = [];
  const chain: number[] = [];
  while (merges.length < n - 1) {
    if (chain.length === 0) chain.push(size.findIndex((members) => members > 0));
    for (;;) {
      const x = chain.at(-1) as number;
      const row = matrix[x] as number[];
      let nearest = chain.length > 1 ? (chain.at(-2) as number) : -1;
      let least = nearest < 0 ? Number.POSITIVE_INFINITY : (row[nearest] as number);
      for (let i = 0; i < n; i++) {
        if (i === x || size[i] === 0 || (row[i] as number) >= least) continue;
        least = row[i] as number;
        nearest = i;
      }
      if (nearest !== chain.at(-2)) {
        chain.push(nearest);
        continue;
      }
      chain.length -= 2;
      const [a, b] = [Math.min(x, nearest), Math.max(x, nearest)];
      merges.push({ a, b, distance: least });
      const [m, k] = [size[a] as number, size[b] as number];
      for (let i = 0; i < n; i++) {
        const [other, from, into] = [matrix[i] as number[], matrix[a] as number[], matrix[b] as number[]];
        if (i === b || size[i] === 0) continue;
        other[b] = into[i] = (m * (from[i] as number) + k * (into[i] as number)) / (m + k);
      }
      [size[a], size[b]] = [0, m + k];
      break;
    }
  }
  return merges;
}
