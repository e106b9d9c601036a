import { variablesOf } from './scalar.ts';
import { childrenOf, type Node } from './tree.ts';
import { plainWords } from './words.ts';

/** Is it a name that a value may be given to: x, a_5, f(x), AB, \text{Area}, P(A)? */
export function isLabel(node: Node): boolean {
  if (node.kind === 'symbol') return !['pi', 'e', 'i', 'oo'].includes(node.name);
  if (node.kind === 'text' || (node.kind === 'quantity' && isLabel(node.value))) return true;
  if (node.kind === 'group') return node.inner.kind === 'symbol' && isLabel(node.inner);
  if (node.kind === 'tuple' || node.kind === 'ratio') return node.items.every(isLabel);
  if (node.kind !== 'apply') return false;
  // |AB|, and \frac{AB}{CD} of lengths
  if (node.name === 'abs' || node.name === 'divide')
    return node.args.every((arg) => isCapital(arg) || (isLabel(arg) && arg.kind === 'apply'));
  if (node.name !== 'multiply') return false;
  const [head, ...rest] = node.args as [Node, ...Node[]];
  if (node.args.every(isCapital)) return true;
  const inverse = head.kind === 'apply' && head.name === 'power' && head.args[0]?.kind === 'symbol';
  const [argument] = rest;
  return (
    rest.length === 1 &&
    (head.kind === 'symbol' || inverse) &&
    (argument?.kind === 'group' || argument?.kind === 'tuple')
  );
}

function isCapital(node: Node): boolean {
  return node.kind === 'symbol' && /^[A-Z]/.test(node.name);
}

/** A name as text, the same for all ways to write it. */
export function labelOf(node: Node): string {
  switch (node.kind) {
    case 'symbol':
      // x_{1,2} is x.
      return node.name.replace(/_1,2$/, '');
    case 'text':
      return plainWords(node.text);
    case 'number':
      return `${node.value.n}/${node.value.d}`;
    default:
      return `${node.kind === 'apply' ? node.name : ''}(${childrenOf(node).map(labelOf).join(' ')})`;
  }
}

/** The f of a label f(x), whose argument is a letter for any number; null for other labels, as P(A). */
export function functionName(label: string): string | null {
  return /^multiply\((\S+) \([k-nt-z]\)\)$/.exec(label)?.[1] ?? null;
}

/** Does a value speak of the name that it is given to? Then the two are an equation. */
export function mentions(value: Node, label: Node): boolean {
  return label.kind === 'symbol' && variablesOf(value).has(label.name);
}
