import { apply, childrenOf, type Node } from './tree.ts';

export function isPlusMinus(node: Node): boolean {
  return node.kind === 'apply' && (node.name === 'pm' || node.name === 'mp');
}

export function contains(node: Node, test: (node: Node) => boolean): boolean {
  return test(node) || childrenOf(node).some((child) => contains(child, test));
}

/** With the upper (1) or the lower (-1) of each pair of signs. */
export function withSign(node: Node, sign: 1 | -1): Node {
  switch (node.kind) {
    case 'apply': {
      const args = node.args.map((arg) => withSign(arg, sign));
      if (!isPlusMinus(node)) return { ...node, args };
      const arg = args[0] as Node;
      return (node.name === 'pm') === (sign === 1) ? arg : apply('negative', arg);
    }
    case 'group':
      return { ...node, inner: withSign(node.inner, sign) };
    default:
      return node;
  }
}

export function withoutSign(node: Node): Node {
  let inner = node;
  while (inner.kind === 'group' || (inner.kind === 'apply' && inner.name === 'negative')) {
    inner = inner.kind === 'group' ? inner.inner : (inner.args[0] as Node);
  }
  return inner;
}

export function infinitySign(node: Node): 1 | -1 | null {
  if (node.kind === 'group') return infinitySign(node.inner);
  if (node.kind === 'symbol') return node.name === 'oo' ? 1 : null;
  if (node.kind !== 'apply' || node.name !== 'negative') return null;
  const inner = infinitySign(node.args[0] as Node);
  return inner === null ? null : inner === 1 ? -1 : 1;
}
