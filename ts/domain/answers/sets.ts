import type { Meaning } from './meaning.ts';
import { EMPTY, point, type Region, union } from './region.ts';
import type { Bracket, Node } from './tree.ts';
import { isRealValue } from './value.ts';

/** The interval between two real numbers or infinities; null for what is no interval, or an empty one. */
export function interval(open: Bracket, close: Bracket, items: readonly Meaning[]): Region | null {
  if (items.length !== 2 || open === '<') return null;
  const ends = items.map((item) => {
    if (item.kind === 'infinity') return item.sign;
    const value = item.kind === 'quantity' ? item.scalar.value : null;
    return value !== null && isRealValue(value) ? value : null;
  });
  const [low, high] = ends;
  if (low === undefined || high === undefined || low === null || high === null || low === 1 || high === -1) return null;
  const region = union(
    [{ low, high, lowClosed: open === '[' && low !== -1, highClosed: close === ']' && high !== 1 }],
    [],
  );
  // (9, 3) is a point and no empty interval.
  return region.length === 0 ? null : region;
}

/** The set of real numbers that a meaning stands for; null for all else. */
export function asRegion(meaning: Meaning): Region | null {
  if (meaning.kind === 'region') return meaning.region;
  if (meaning.kind === 'sequence') return meaning.region;
  if (meaning.kind !== 'collection') return null;
  const points = meaning.items.map((item) => (item.kind === 'quantity' ? item.scalar.value : null));
  const real = points.filter((value) => value !== null).filter(isRealValue);
  return real.length === points.length ? real.map(point).reduce(union, EMPTY) : null;
}

/** A union, an intersection or a difference of sets, whichever sign it is written with. */
export function isSetOperation(node: Node): boolean {
  if (node.kind !== 'apply') return false;
  if (['union', 'intersection', 'without'].includes(node.name)) return true;
  const [first] = node.args;
  return node.name === 'add' && first !== undefined && isSet(first);
}

export function isSet(node: Node): boolean {
  return (
    node.kind === 'set' ||
    node.kind === 'tuple' ||
    (node.kind === 'symbol' && (node.name === 'reals' || node.name === 'emptyset'))
  );
}
