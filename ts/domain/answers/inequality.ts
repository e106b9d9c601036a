import * as balls from './ball.ts';
import { type Budget, Refusal } from './budget.ts';
import { evaluate } from './evaluate.ts';
import type { InequalityPart, Meaning } from './meaning.ts';
import { rational } from './rational.ts';
import { complement, intersection, point, REALS, type Region, union } from './region.ts';
import { refusalOf, Scalar, variablesOf } from './scalar.ts';
import { apply, type Node, type Relation } from './tree.ts';
import { isRealValue, isZeroValue, orderValues, sameValue, toBall, type Value } from './value.ts';

/**
 * A chain of inequalities: the set of its solutions where each is linear in the same variable, else the inequalities
 * themselves.
 *
 * @throws Refusal `syntax` where a side is no value
 */
export function inequality({ items, ops }: Extract<Node, { kind: 'relation' }>, budget: Budget): Meaning {
  const parts: InequalityPart[] = [];
  const regions: Region[] = [];
  const variables = new Set(items.flatMap((item) => [...variablesOf(item)]));
  const [variable] = variables;
  if (variable === undefined) throw new Refusal('syntax');
  if (ops.length > 1 && items.some(isAbsolute)) {
    // 1 < |x| < 2 is both 1 < |x| and |x| < 2.
    const each = ops.map((op, i) => inequality({ kind: 'relation', ops: [op], items: items.slice(i, i + 2) }, budget));
    const solved = each.filter((part) => part.kind === 'region');
    if (solved.length === each.length && variables.size === 1)
      return { kind: 'region', region: solved.map(({ region }) => region).reduce(intersection), variable };
  }
  for (const [i, op] of ops.entries()) {
    const [left, right] = [items[i], items[i + 1]] as [Node, Node];
    const both = ops.length === 1 ? (absolute(left, op, right) ?? absolute(right, MIRRORED[op] ?? op, left)) : null;
    if (both !== null) {
      const solved = both.map((each) => inequality(each, budget)).filter((each) => each.kind === 'region');
      const [first, second] = solved;
      if (first !== undefined && second !== undefined) {
        // |y| < c is -c < y and y < c; |y| > c is y < -c or y > c.
        const below = (isAbsolute(left) ? op : MIRRORED[op])?.startsWith('<') === true;
        return { kind: 'region', region: (below ? intersection : union)(first.region, second.region), variable };
      }
    }
    const infinite = isInfinite(left) || isInfinite(right);
    // -oo < x says nothing.
    if (infinite && ops.length > 1) continue;
    const difference = new Scalar(op.startsWith('<') ? minus(right, left) : minus(left, right), budget);
    const relation = relationOf(op);
    parts.push({ difference, relation });
    const region = variables.size === 1 ? solve(difference.node, relation, variable, budget) : null;
    if (region !== null) regions.push(region);
  }
  if (regions.length === parts.length) return { kind: 'region', region: regions.reduce(intersection, REALS), variable };
  return { kind: 'inequality', parts };
}

const MIRRORED: Partial<Record<Relation, Relation>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function isAbsolute(node: Node): boolean {
  return node.kind === 'apply' && node.name === 'abs';
}

/** The two inequalities that |y| op bound stands for; null for others. */
function absolute(node: Node, op: Relation, bound: Node): Extract<Node, { kind: 'relation' }>[] | null {
  const mirrored = MIRRORED[op];
  if (node.kind !== 'apply' || node.name !== 'abs' || mirrored === undefined || variablesOf(bound).size > 0)
    return null;
  const inner = node.args[0] as Node;
  return [
    { kind: 'relation', ops: [op], items: [inner, bound] },
    { kind: 'relation', ops: [mirrored], items: [inner, apply('negative', bound)] },
  ];
}

function relationOf(op: Relation): InequalityPart['relation'] {
  if (op === '!=') return op;
  return op === '<=' || op === '>=' ? '>=' : '>';
}

function isInfinite(node: Node): boolean {
  if (node.kind === 'apply' && node.name === 'negative') return isInfinite(node.args[0] as Node);
  return node.kind === 'symbol' && node.name === 'oo';
}

function minus(a: Node, b: Node): Node {
  return apply('add', a, apply('negative', b));
}

/** The solutions of a linear inequality; null where the difference is not linear. */
function solve(
  difference: Node,
  relation: InequalityPart['relation'],
  variable: string,
  budget: Budget,
): Region | null {
  const at = (x: Value): Value => {
    const { value } = evaluate(difference, (name) => (name === variable ? x : rational(0n)), budget);
    if (!isRealValue(value)) throw new Refusal('undefined');
    return value;
  };
  const root = refusalOf(() => {
    const [zero, one] = [at(rational(0n)), at(rational(1n))];
    const slope = subtract(one, zero);
    if (isZeroValue(slope) !== false) return null;
    for (const x of [rational(-7n), rational(22n, 3n)]) {
      if (sameValue(at(x), add(zero, multiply(slope, x))) !== true) return null;
    }
    return { value: divide(zero, multiply(slope, rational(-1n))), rising: orderValues(slope, rational(0n)) > 0 };
  });
  if (root === null || typeof root === 'string') return null;
  const { value, rising } = root;
  if (relation === '!=') return complement(point(value));
  const closed = relation === '>=';
  return rising
    ? [{ low: value, lowClosed: closed, high: 1, highClosed: false }]
    : [{ low: -1, lowClosed: false, high: value, highClosed: closed }];
}

// Small exact arithmetic on the values of a linear function.

function add(a: Value, b: Value): Value {
  if (a.kind === 'rational' && b.kind === 'rational') return rational(a.n * b.d + b.n * a.d, a.d * b.d);
  return balls.add(toBall(a), toBall(b));
}

function multiply(a: Value, b: Value): Value {
  if (a.kind === 'rational' && b.kind === 'rational') return rational(a.n * b.n, a.d * b.d);
  return balls.multiply(toBall(a), toBall(b));
}

function subtract(a: Value, b: Value): Value {
  return add(a, multiply(b, rational(-1n)));
}

function divide(a: Value, b: Value): Value {
  if (a.kind === 'rational' && b.kind === 'rational') return rational(a.n * b.d, a.d * b.n);
  return balls.divide(toBall(a), toBall(b));
}
