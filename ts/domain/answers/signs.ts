import { apply, childrenOf, mapChildren, type Node } from './tree.ts';

/** Is it a plus-minus or a minus-plus before an expression? */
export function isPlusMinus(node: Node): boolean {
  return node.kind === 'apply' && (node.name === 'pm' || node.name === 'mp');
}

/** Does the test hold of a node or of one below it? */
export function contains(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || childrenOf(node).some((child) => contains(child, test));
}

/** With the upper (1) or the lower (-1) of each pair of signs. */
export function withSign(node: Node, sign: 1 | -1): Node {
  const changed = mapChildren(node, (child) => withSign(child, sign));
  if (changed.kind !== 'apply' || !isPlusMinus(changed)) return changed;
  const arg = changed.args[0] as Node;
  return (changed.name === 'pm') === (sign === 1) ? arg : apply('negative', arg);
}

/** What stands inside of round brackets and behind minus signs. */
export function withoutSign(node: Node): Node {
  let inner = node;
  while (inner.kind === 'group' || (inner.kind === 'apply' && inner.name === 'negative')) {
    inner = inner.kind === 'group' ? inner.inner : (inner.args[0] as Node);
  }
  return inner;
}

/** 1 for infinity, -1 for minus infinity, null for all else. */
export function infinitySign(node: Node): 1 | -1 | null {
  if (node.kind === 'group') return infinitySign(node.inner);
  if (node.kind === 'symbol') return node.name === 'oo' ? 1 : null;
  if (node.kind !== 'apply' || node.name !== 'negative') return null;
  const inner = infinitySign(node.args[0] as Node);
  return inner === null ? null : inner === 1 ? -1 : 1;
}
