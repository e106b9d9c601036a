import { type Budget, LIMITS, Refusal } from './budget.ts';
import { apply, childrenOf, type Node } from './tree.ts';

type Rows = readonly (readonly Node[])[];

/** A matrix, and how many nodes its largest entry may have: entries of a product hold those of the factors many times. */
interface Matrix {
  rows: Rows;
  size: number;
}

/**
 * Sums, products and multiples of matrices, entry by entry, as one matrix; null for an expression without a matrix.
 *
 * @throws Refusal `syntax` where sizes do not fit or an operation is none of these; `items` or `steps` where it grows too
 *   large
 */
export function matrixOf(node: Node, budget: Budget): Rows | null {
  return read(node, budget)?.rows ?? null;
}

function read(node: Node, budget: Budget): Matrix | null {
  return budget.deeper(() => {
    if (node.kind === 'matrix') return { rows: node.rows, size: Math.max(...node.rows.flat().map(nodesOf)) };
    if (node.kind === 'group') return read(node.inner, budget);
    if (node.kind !== 'apply') return null;
    const parts = node.args.map((arg) => ({ arg, matrix: read(arg, budget) }));
    const matrices = parts.flatMap(({ matrix }) => (matrix === null ? [] : [matrix]));
    const [first] = matrices;
    if (first === undefined) return null;
    switch (node.name) {
      case 'negative':
        return each(first, (entry) => apply('negative', entry));
      case 'add':
        if (matrices.length < parts.length) throw new Refusal('syntax');
        return matrices.reduce((a, b) => sum(a, b, budget));
      case 'multiply': {
        const scalars = parts.filter(({ matrix }) => matrix === null).map(({ arg }) => arg);
        const product = matrices.reduce((a, b) => times(a, b, budget));
        return scalars.length === 0 ? product : each(product, (entry) => apply('multiply', ...scalars, entry));
      }
      default:
        throw new Refusal('syntax');
    }
  });
}

function nodesOf(node: Node): number {
  return childrenOf(node).reduce((count, child) => count + nodesOf(child), 1);
}

function each({ rows, size }: Matrix, change: (entry: Node) => Node): Matrix {
  return { rows: rows.map((row) => row.map(change)), size: size + 1 };
}

function sum(a: Matrix, b: Matrix, budget: Budget): Matrix {
  if (a.rows.length !== b.rows.length || a.rows[0]?.length !== b.rows[0]?.length) throw new Refusal('syntax');
  const size = a.size + b.size + 1;
  budget.spend(size);
  return { size, rows: a.rows.map((row, i) => row.map((entry, j) => apply('add', entry, b.rows[i]?.[j] as Node))) };
}

function times(a: Matrix, b: Matrix, budget: Budget): Matrix {
  const inner = b.rows.length;
  const columns = b.rows[0]?.length ?? 0;
  if (a.rows[0]?.length !== inner) throw new Refusal('syntax');
  if (a.rows.length * columns > LIMITS.items) throw new Refusal('items');
  const size = inner * (a.size + b.size + 1) + 1;
  budget.spend(size * a.rows.length * columns);
  const entry = (row: readonly Node[], j: number): Node =>
    apply('add', ...row.map((left, k) => apply('multiply', left, b.rows[k]?.[j] as Node)));
  return { size, rows: a.rows.map((row) => Array.from({ length: columns }, (_, j) => entry(row, j))) };
}
