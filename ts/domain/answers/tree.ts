import type { Rational } from './rational.ts';

/** An answer as it was written, before anything is computed. */
export type Node =
  | NumberNode
  /** A variable, with its subscript and primes: `x`, `a_5`, `f'`; or a constant: `pi`, `e`, `i`, `oo`. */
  | { kind: 'symbol'; name: string }
  /** A function or an operator of {@link FUNCTIONS} or of the evaluator. */
  | { kind: 'apply'; name: string; args: readonly Node[] }
  /** A sum or product over whole numbers. */
  | { kind: 'series'; name: 'sum' | 'product'; variable: string; from: Node; to: Node; body: Node }
  /** Round brackets around one expression; they matter where a letter stands before them: f(x). */
  | { kind: 'group'; inner: Node }
  /** An ordered sequence in brackets, which are those of an interval too. */
  | { kind: 'tuple'; open: Bracket; close: Bracket; items: readonly Node[] }
  | { kind: 'set'; items: readonly Node[] }
  /** { variable | conditions } */
  | { kind: 'builder'; variable: Node; conditions: readonly Node[] }
  /** Members side by side: `1, 2`; `1 or 2`. */
  | { kind: 'list'; items: readonly Node[]; joiner: ',' | 'and' | 'or' }
  /** items[0] ops[0] items[1] ops[1] ... */
  | { kind: 'relation'; ops: readonly Relation[]; items: readonly Node[] }
  | { kind: 'matrix'; rows: readonly (readonly Node[])[] }
  | { kind: 'ratio'; items: readonly Node[] }
  /** A value with a unit behind it or a currency sign before it. */
  | { kind: 'quantity'; value: Node; unit: string }
  | { kind: 'percent'; value: Node }
  /** Digits written in a base. */
  | { kind: 'based'; digits: string; base: number }
  | { kind: 'text'; text: string };

export interface NumberNode {
  kind: 'number';
  value: Rational;
  /** How it was written: `places` digits behind the point, 0 for an integer; `digits` significant ones. */
  places: number;
  digits: number;
}

export type Bracket = '(' | ')' | '[' | ']' | '<' | '>';

export type Relation = '=' | '<' | '<=' | '>' | '>=' | '!=' | 'in' | 'approx' | 'equiv';

export function apply(name: string, ...args: readonly Node[]): Node {
  return { kind: 'apply', name, args };
}

export function integer(n: number | bigint): NumberNode {
  const value = BigInt(n);
  return { kind: 'number', value: { kind: 'rational', n: value, d: 1n }, places: 0, digits: value.toString().length };
}

/** The expressions directly below an expression. */
export function childrenOf(node: Node): readonly Node[] {
  switch (node.kind) {
    case 'apply':
      return node.args;
    case 'series':
      return [node.from, node.to, node.body];
    case 'group':
      return [node.inner];
    case 'tuple':
    case 'set':
    case 'list':
    case 'relation':
    case 'ratio':
      return node.items;
    case 'builder':
      return [node.variable, ...node.conditions];
    case 'matrix':
      return node.rows.flat();
    case 'quantity':
    case 'percent':
      return [node.value];
    default:
      return [];
  }
}

/** The same expression with each of {@link childrenOf} replaced. */
export function mapChildren(node: Node, change: (child: Node) => Node): Node {
  switch (node.kind) {
    case 'apply':
      return { ...node, args: node.args.map(change) };
    case 'series':
      return { ...node, from: change(node.from), to: change(node.to), body: change(node.body) };
    case 'group':
      return { ...node, inner: change(node.inner) };
    case 'tuple':
    case 'set':
    case 'list':
    case 'relation':
    case 'ratio':
      return { ...node, items: node.items.map(change) };
    case 'builder':
      return { ...node, variable: change(node.variable), conditions: node.conditions.map(change) };
    case 'matrix':
      return { ...node, rows: node.rows.map((row) => row.map(change)) };
    case 'quantity':
    case 'percent':
      return { ...node, value: change(node.value) };
    default:
      return node;
  }
}
