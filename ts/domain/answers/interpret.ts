import { type Budget, Refusal } from './budget.ts';
import { inequality } from './inequality.ts';
import { isLabel, labelOf, mentions } from './labels.ts';
import { matrixOf } from './matrices.ts';
import type { Meaning, Quantity } from './meaning.ts';
import { bySolution } from './members.ts';
import { complement, EMPTY, intersection, REALS, type Region, union } from './region.ts';
import { compareScalars, Scalar, variablesOf } from './scalar.ts';
import { asRegion, interval, isSetOperation } from './sets.ts';
import { contains, infinitySign, isPlusMinus, withoutSign, withSign } from './signs.ts';
import { apply, type Bracket, integer, type Node } from './tree.ts';
import { NUMBER_WORDS, plainWords, unitName } from './words.ts';

/** Phrases for sets and for no number. */
const PHRASES: Readonly<Record<string, Meaning>> = {
  infinity: { kind: 'infinity', sign: 1 },
  'positive infinity': { kind: 'infinity', sign: 1 },
  'negative infinity': { kind: 'infinity', sign: -1 },
  'all real numbers': { kind: 'region', region: REALS, variable: null },
  'all reals': { kind: 'region', region: REALS, variable: null },
  'real numbers': { kind: 'region', region: REALS, variable: null },
  'empty set': { kind: 'region', region: EMPTY, variable: null },
};

const SET_NAMES: ReadonlySet<string> = new Set(['integers', 'naturals', 'rationals', 'complexes']);

/** The meaning of words. */
export function phrase(text: string): Meaning {
  const words = plainWords(text);
  return Object.hasOwn(PHRASES, words) ? (PHRASES[words] as Meaning) : { kind: 'text', words };
}

/**
 * The meaning of a tree: which parts are values, labels, members, sets.
 *
 * @throws Refusal `syntax` where the parts do not go together, or a limit
 */
export function interpret(node: Node, budget: Budget): Meaning {
  return budget.deeper(() => {
    budget.spend(2);
    switch (node.kind) {
      case 'group':
        return interpret(node.inner, budget);
      case 'text': {
        const number = NUMBER_WORDS.get(plainWords(node.text));
        return number === undefined ? phrase(node.text) : quantity(integer(number), budget);
      }
      case 'list':
        return listMeaning(node, budget);
      case 'set':
        if (node.items.length === 0) return { kind: 'region', region: EMPTY, variable: null };
        return { kind: 'collection', braces: true, items: members(node.items, budget) };
      case 'builder':
        return builderMeaning(node, budget);
      case 'tuple':
        return sequence(node.open, node.close, node.items, budget);
      case 'matrix':
        return matrixMeaning(node.rows, budget);
      case 'ratio':
        return { kind: 'ratio', items: node.items.map((item) => interpret(item, budget)), unit: '' };
      case 'relation':
        return relationMeaning(node, budget);
      default:
        return valueMeaning(node, budget);
    }
  });
}

// Values

function valueMeaning(node: Node, budget: Budget): Meaning {
  switch (node.kind) {
    case 'percent':
      return { ...quantity(node.value, budget), percent: true };
    case 'quantity': {
      const value = interpret(node.value, budget);
      const { name, known } = unitName(node.unit);
      if (value.kind === 'quantity' && name === 'deg') return degreesOf(node.value, budget);
      if (value.kind === 'quantity') {
        return { ...value, unit: name, knownUnit: known, product: productOf(node.value, node.unit, budget) };
      }
      if (value.kind === 'ratio') return { ...value, unit: name };
      return value;
    }
    case 'based': {
      const value = [...node.digits].reduce((sum, digit) => sum * BigInt(node.base) + BigInt(digit), 0n);
      return { ...quantity(integer(value), budget), digits: new Scalar(integer(BigInt(node.digits)), budget) };
    }
    case 'symbol':
      if (node.name === 'reals') return { kind: 'region', region: REALS, variable: null };
      if (node.name === 'emptyset') return { kind: 'region', region: EMPTY, variable: null };
      if (SET_NAMES.has(node.name)) return { kind: 'text', words: node.name };
      break;
    case 'apply': {
      if (node.name === 'degree') return degreesOf(node.args[0] as Node, budget);
      const rows = matrixOf(node, budget);
      if (rows !== null) return matrixMeaning(rows, budget);
      if (isSetOperation(node)) return { kind: 'region', region: regionOf(node, budget), variable: null };
      break;
    }
  }
  const sign = infinitySign(node);
  if (sign !== null) return { kind: 'infinity', sign };
  if (contains(node, isPlusMinus)) {
    const [plus, minus] = [withSign(node, 1), withSign(node, -1)];
    return { kind: 'collection', braces: true, items: [interpret(plus, budget), interpret(minus, budget)] };
  }
  return quantity(node, budget);
}

function quantity(node: Node, budget: Budget): Quantity {
  if (contains(node, isStructure)) throw new Refusal('syntax');
  const bare = withoutSign(node);
  return {
    kind: 'quantity',
    scalar: new Scalar(node, budget),
    unit: '',
    knownUnit: true,
    percent: false,
    degrees: null,
    digits: null,
    product: null,
    decimal: bare.kind === 'number' && bare.places > 0 ? { digits: bare.digits, places: bare.places } : null,
  };
}

/** 5 m and 5 m^2 as products; null for units that are no single letter. */
function productOf(value: Node, unit: string, budget: Budget): Scalar | null {
  const [, name, power = '1'] = /^([a-zA-Z])(?: ?\^\{?([23])\}?)?$/.exec(unit.trim()) ?? [];
  if (name === undefined) return null;
  const letter: Node = { kind: 'symbol', name };
  const factor = power === '1' ? letter : apply('power', letter, integer(Number(power)));
  return new Scalar(apply('multiply', value, factor), budget);
}

function degreesOf(node: Node, budget: Budget): Quantity {
  return { ...quantity(apply('degree', node), budget), degrees: new Scalar(node, budget) };
}

/** What no value has inside. */
function isStructure(node: Node): boolean {
  if (node.kind === 'symbol') return node.name === 'reals' || node.name === 'emptyset' || SET_NAMES.has(node.name);
  return !['number', 'apply', 'series', 'group', 'quantity', 'percent'].includes(node.kind);
}

// Members

/** The members of a set or list; those with a plus-minus count twice. */
function members(nodes: readonly Node[], budget: Budget): Meaning[] {
  return nodes.flatMap((node) => {
    const meaning = interpret(node, budget);
    const split = meaning.kind === 'collection' && contains(node, isPlusMinus) && node.kind === 'apply';
    return split ? meaning.items : [meaning];
  });
}

function sequence(open: Bracket, close: Bracket, nodes: readonly Node[], budget: Budget): Meaning {
  if (nodes.some((node) => contains(node, isPlusMinus))) {
    const items = ([1, -1] as const).map((sign) =>
      sequence(
        open,
        close,
        nodes.map((node) => withSign(node, sign)),
        budget,
      ),
    );
    return { kind: 'collection', braces: true, items };
  }
  const items = nodes.map((node) => interpret(node, budget));
  return { kind: 'sequence', open, close, items, region: interval(open, close, items) };
}

function matrixMeaning(rows: readonly (readonly Node[])[], budget: Budget): Meaning {
  if (rows.length === 1 || rows[0]?.length === 1) return vector(rows.flat(), budget);
  return { kind: 'matrix', rows: rows.map((row) => row.map((entry) => interpret(entry, budget))) };
}

function vector(nodes: readonly Node[], budget: Budget): Meaning {
  const items = nodes.map((node) => interpret(node, budget));
  const [only] = items;
  return items.length === 1 && only !== undefined
    ? only
    : { kind: 'sequence', open: '<', close: '>', items, region: null };
}

function listMeaning({ items: nodes, joiner }: Extract<Node, { kind: 'list' }>, budget: Budget): Meaning {
  const all = members(nodes, budget);
  // `x = 2k, k \in Z` is x = 2k.
  const said = all.filter(
    (item) => !(item.kind === 'labelled' && item.value.kind === 'text' && SET_NAMES.has(item.value.words)),
  );
  const [one] = said;
  if (said.length === 1 && all.length > 1 && one !== undefined) return one;
  const items = said.length === 0 ? all : said;
  const solutions = joinedRegions(nodes, items, joiner);
  if (solutions !== null) return solutions;
  const [first, ...rest] = items;
  if (first?.kind === 'labelled') {
    const others = rest.filter((item) => item.kind === 'labelled');
    const [label, value] = [first.label, first.value];
    // x = 1, 2, 3 and x = 1, x = 2, x = 3
    const same =
      others.every((item) => item.label === label) ||
      areSolutions(
        others.map((item) => item.label),
        label,
      );
    if (same && (others.length === 0 || others.length === rest.length)) {
      const values = items.map((item) => (item.kind === 'labelled' ? item.value : item));
      if (values.every((item) => item.kind !== 'equation' && item.kind !== 'inequality') && value.kind !== 'text') {
        return { kind: 'labelled', label, value: { kind: 'collection', braces: false, items: values }, equation: null };
      }
    }
  }
  return { kind: 'collection', braces: false, items: bySolution(items) ?? items };
}

/** x_1 and x_2 are two values of one unknown. */
function areSolutions(labels: readonly string[], first: string): boolean {
  const unknown = (label: string): string | null => /^([a-z])_[0-9]$/.exec(label)?.[1] ?? null;
  return unknown(first) !== null && labels.every((label) => unknown(label) === unknown(first));
}

/** `x < 1 or x > 2` as one set; commas join inequalities that meet, and unite those that do not. */
function joinedRegions(nodes: readonly Node[], items: readonly Meaning[], joiner: ',' | 'and' | 'or'): Meaning | null {
  const regions = items.filter((item) => item.kind === 'region');
  const variable = regions[0]?.variable ?? null;
  if (regions.length < items.length || variable === null || regions.some((item) => item.variable !== variable))
    return null;
  const unequal = nodes.every((node) => node.kind === 'relation' && node.ops[0] === '!=');
  const both = regions.map((item) => item.region).reduce(intersection);
  const either = regions.map((item) => item.region).reduce(union);
  const meet = joiner === 'and' || (joiner === ',' && (unequal || both.length > 0));
  return { kind: 'region', region: meet ? both : either, variable };
}

// Sets

function regionOf(node: Node, budget: Budget): Region {
  return budget.deeper(() => {
    if (node.kind === 'apply' && isSetOperation(node)) {
      const [first, ...rest] = node.args.map((arg, i) => {
        const minus = node.name === 'add' && arg.kind === 'apply' && arg.name === 'negative' && i > 0;
        if (node.name === 'add' && i > 0 && !minus) throw new Refusal('syntax');
        const region = regionOf(minus ? ((arg as Extract<Node, { kind: 'apply' }>).args[0] as Node) : arg, budget);
        return minus || (node.name === 'without' && i > 0) ? complement(region) : region;
      });
      return rest.reduce(node.name === 'union' ? union : intersection, first ?? EMPTY);
    }
    const meaning = interpret(node, budget);
    const region = asRegion(meaning);
    if (region === null) throw new Refusal('syntax');
    return region;
  });
}

/** The set of real numbers that a meaning stands for, or null. */
export function builderMeaning({ variable, conditions }: Extract<Node, { kind: 'builder' }>, budget: Budget): Meaning {
  const [symbol, domain] = variable.kind === 'relation' ? [variable.items[0], variable] : [variable, null];
  if (symbol?.kind !== 'symbol') throw new Refusal('syntax');
  const all = [...(domain === null ? [] : [domain]), ...conditions];
  const list: Node = { kind: 'list', items: all, joiner: 'and' };
  const meaning = interpret(all.length === 1 ? (all[0] as Node) : list, budget);
  if (meaning.kind === 'labelled')
    return {
      kind: 'collection',
      braces: true,
      items: meaning.value.kind === 'collection' ? meaning.value.items : [meaning.value],
    };
  if (meaning.kind !== 'region' || (meaning.variable !== null && meaning.variable !== symbol.name))
    throw new Refusal('syntax');
  return { ...meaning, variable: null };
}

// Relations

function relationMeaning(node: Extract<Node, { kind: 'relation' }>, budget: Budget): Meaning {
  const approx = node.ops.indexOf('approx');
  if (approx >= 0) {
    // What follows the sign is another form of what stands before it; x ≈ 5 is x = 5.
    const [first, second] = node.items as [Node, Node];
    if (approx === 0)
      return isLabel(first)
        ? { kind: 'labelled', label: labelOf(first), value: interpret(second, budget), equation: null }
        : interpret(first, budget);
    return relationMeaning({ ...node, ops: node.ops.slice(0, approx), items: node.items.slice(0, approx + 1) }, budget);
  }
  const [op] = node.ops;
  const [left, right] = node.items as [Node, Node];
  if (op === 'in' && node.ops.length === 1) return membership(left, right, budget);
  if (op === 'equiv' && node.ops.length === 1)
    return { kind: 'labelled', label: labelOf(left), value: interpret(right, budget), equation: null };
  if (node.ops.every((each) => each === '=')) return equationMeaning(node.items, budget);
  if (node.ops.some((each) => each === '=' || each === 'in' || each === 'equiv')) throw new Refusal('syntax');
  // 0 < f(x) < 1 is about f(x).
  const items = node.items.map(
    (item): Node => (item.kind === 'apply' && isLabel(item) ? { kind: 'symbol', name: labelOf(item) } : item),
  );
  return inequality({ ...node, items }, budget);
}

function membership(left: Node, right: Node, budget: Budget): Meaning {
  const set = interpret(right, budget);
  const label = labelOf(left);
  if (set.kind === 'collection') return { kind: 'labelled', label, value: set, equation: null };
  const region = asRegion(set);
  if (region !== null) return { kind: 'region', region, variable: label };
  return { kind: 'labelled', label, value: set, equation: null };
}

function equationMeaning(items: readonly Node[], budget: Budget): Meaning {
  const [left, ...others] = items as [Node, ...Node[]];
  const last = others.at(-1) as Node;
  if (items.length > 2) {
    // x = 6/4 = 3/2: the last form counts. The forms must agree, or be steps of a reckoning with numbers.
    const numbers = isLabel(left) && others.every((form) => variablesOf(form).size === 0);
    if (!numbers) agree(isLabel(left) ? others : items, budget);
    return isLabel(left)
      ? { kind: 'labelled', label: labelOf(left), value: interpret(last, budget), equation: null }
      : interpret(last, budget);
  }
  const difference = differenceOf(left, last, budget);
  const [label, value] = isLabel(left) ? [left, last] : [last, left];
  if (isLabel(label) && !mentions(value, label)) {
    return { kind: 'labelled', label: labelOf(label), value: interpret(value, budget), equation: difference };
  }
  if (difference === null) throw new Refusal('syntax');
  if (difference.constant) {
    agree(items, budget);
    return interpret(last, budget);
  }
  return { kind: 'equation', difference };
}

/** @throws Refusal `syntax` where forms of the same unit have different values; 1 km = 1000 m is a conversion */
function agree(nodes: readonly Node[], budget: Budget): void {
  if (new Set(nodes.map(unitOf)).size > 1) return;
  const scalars = nodes.map((node) => quantity(node, budget).scalar);
  const [first] = scalars;
  if (first === undefined || scalars.some((scalar) => compareScalars(first, scalar).same !== true))
    throw new Refusal('syntax');
}

function unitOf(node: Node): string {
  if (node.kind === 'percent') return '%';
  return node.kind === 'quantity' ? unitName(node.unit).name : '';
}

function differenceOf(left: Node, right: Node, budget: Budget): Scalar | null {
  const node = apply('add', left, apply('negative', right));
  return contains(node, (each) => isStructure(each) || isPlusMinus(each)) ? null : new Scalar(node, budget);
}
