import { canonical } from './canonical.ts';
import { compareMeanings, type Verdict } from './compare.ts';
import type { Meaning } from './meaning.ts';
import type { Rules } from './quantity.ts';

type Collection = Extract<Meaning, { kind: 'collection' }>;

/** The values of x = 2, y = 3 in the order of the names; null where not all members are given to different names. */
export function assigned({ items }: Collection): Meaning[] | null {
  const labelled = items.filter((item) => item.kind === 'labelled');
  if (labelled.length < items.length || new Set(labelled.map(({ label }) => label)).size < items.length) return null;
  return labelled.sort((x, y) => (x.label < y.label ? -1 : 1)).map(({ value }) => value);
}

/** Are the members points, or values given to several names? */
export function isSolutions({ items }: Collection): boolean {
  return items.every((item) => item.kind === 'sequence' || (item.kind === 'collection' && assigned(item) !== null));
}

/** What a name is given; a meaning without a name is its own value. */
export function unlabelled(meaning: Meaning): Meaning {
  return meaning.kind === 'labelled' ? meaning.value : meaning;
}

/**
 * The members of x = 1, y = 2, x = 3, y = 4 by solution, each with all names; null where they do not repeat so.
 *
 * @param items two and more
 */
export function bySolution(items: readonly Meaning[]): Meaning[] | null {
  const labels = items.map((item) => (item.kind === 'labelled' ? item.label : null));
  const size = new Set(labels).size;
  if (labels.includes(null) || size < 2 || size === items.length || items.length % size > 0) return null;
  const result: Collection[] = [];
  for (let at = 0; at < items.length; at += size)
    result.push({ kind: 'collection', braces: false, items: items.slice(at, at + size) });
  return result.every((solution) => assigned(solution) !== null) ? result : null;
}

/** Is each of `a` in `b`? */
export function covered(a: readonly Meaning[], b: readonly Meaning[], rules: Rules): Verdict {
  let undecided: Verdict | null = null;
  for (const x of a) {
    const { verdict } = search(x, b, rules);
    if (verdict.equal === false) return verdict;
    if (verdict.equal === null) undecided = verdict;
  }
  return undecided ?? { equal: true, reason: 'members' };
}

/** Of two verdicts on one question that which says more against equality. */
export function worse(a: Verdict, b: Verdict): Verdict {
  if (a.equal === true || (a.equal === null && b.equal === false)) return b;
  return a;
}

/** Of two verdicts on two readings that which says more for equality. */
export function better(a: Verdict, b: Verdict): Verdict {
  return b.equal === true || (b.equal === null && a.equal === false) ? b : a;
}

/** Can each of `a` be paired with its own of `b`? They are equally many. */
export function matched(a: readonly Meaning[], b: readonly Meaning[], rules: Rules): Verdict {
  const left = [...b];
  let undecided: Verdict | null = null;
  for (const x of a) {
    const { verdict, at } = search(x, left, rules);
    if (verdict.equal === false) return verdict;
    if (verdict.equal === null) undecided = verdict;
    else left.splice(at, 1);
  }
  return undecided ?? { equal: true, reason: 'members' };
}

/** Where is a member equal to `x`? Those that are written alike are tried first, so that most sets are matched at once. */
function search(x: Meaning, members: readonly Meaning[], rules: Rules): { verdict: Verdict; at: number } {
  const key = canonical(x);
  const alike = (y: Meaning): number => (canonical(y) === key ? 0 : 1);
  const order = members.map((y, at) => ({ y, at, rank: alike(y) })).sort((p, q) => p.rank - q.rank || p.at - q.at);
  let undecided: Verdict | null = null;
  for (const { y, at } of order) {
    const verdict = compareMeanings(x, y, rules);
    if (verdict.equal === true) return { verdict, at };
    if (verdict.equal === null) undecided = verdict;
  }
  return { verdict: undecided ?? { equal: false, reason: 'members' }, at: -1 };
}

export function inOrder(a: readonly Meaning[], b: readonly Meaning[], rules: Rules): Verdict {
  if (a.length !== b.length) return { equal: false, reason: 'size' };
  let undecided: Verdict | null = null;
  for (const [i, item] of a.entries()) {
    const verdict = compareMeanings(item, b[i] as Meaning, rules);
    if (verdict.equal === false) return { equal: false, reason: 'members' };
    if (verdict.equal === null) undecided = verdict;
  }
  return undecided ?? { equal: true, reason: 'members' };
}
