import * as balls from './ball.ts';
import { type Budget, isLimit, Refusal, type RefusalReason } from './budget.ts';
import { evaluate, type Sample } from './evaluate.ts';
import { type Rational, rational } from './rational.ts';
import { apply, childrenOf, type Node } from './tree.ts';
import { fingerprint, isZeroValue, orderValues, sameValue, toBall, type Value } from './value.ts';

/**
 * Where expressions with variables are compared: positive, between 0 and 1, negative, and whole (for factorials and the
 * like, which have no other). The values of the variables are drawn by their numbers and the point's, so that no two are
 * bound by a rule: at points in arithmetic progression x + z would be 2y.
 */
const POINTS: readonly ((variable: number) => Value)[] = [
  (v) => rational(BigInt(101 + draw(v, 0, 900)), 101n),
  (v) => rational(BigInt(1 + draw(v, 1, 996)), 997n),
  (v) => rational(BigInt(-103 - draw(v, 2, 900)), 103n),
  (v) => rational(BigInt(107 + draw(v, 3, 900)), 107n),
  (v) => rational(BigInt(-1 - draw(v, 4, 990)), 991n),
  (v) => rational(BigInt(3 + draw(v, 5, 13))),
  (v) => rational(BigInt(3 + draw(v, 6, 14))),
  (v) => rational(BigInt(2 + draw(v, 7, 17))),
];

/** A number in [0, below) without a pattern, by the steps of a 32-bit hash (murmur3). */
function draw(variable: number, point: number, below: number): number {
  let hash = Math.imul(variable * 8 + point + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) % below;
}

/** So many points at which two expressions agree make them equal. */
const ENOUGH = 4;

/** Fewer are no proof. */
const TOO_FEW = 2;

/** What a comparison of two expressions found; `null` is followed by why. */
export type Outcome = { same: true | false } | { same: null; why: RefusalReason };

/** An expression for a number, constant or not, with its values at the points as far as they were asked for. */
export class Scalar {
  readonly node: Node;
  /** No variables. */
  readonly constant: boolean;
  readonly #budget: Budget;
  readonly #samples: (Sample | RefusalReason)[] = [];
  /** Empty where there are too few values for one. */
  #key: string | undefined;

  constructor(node: Node, budget: Budget) {
    this.node = node;
    this.#budget = budget;
    this.constant = isConstant(node);
  }

  /** The value at a point of {@link POINTS}, or why there is none. */
  sample(point: number): Sample | RefusalReason {
    const at = this.constant ? 0 : point;
    const known = this.#samples[at];
    if (known !== undefined) return known;
    const values = POINTS[at];
    const assign =
      this.constant || values === undefined ? undefined : (name: string): Value => values(variableNumber(name));
    const sample = refusalOf(() => evaluate(this.node, assign, this.#budget));
    this.#samples[at] = sample;
    return sample;
  }

  /** The value of a constant, if it has one. */
  get value(): Value | null {
    const sample = this.constant ? this.sample(0) : null;
    return sample === null || typeof sample === 'string' ? null : sample.value;
  }

  /** This times a number. */
  times(factor: Rational): Scalar {
    const number: Node = { kind: 'number', value: factor, places: 0, digits: 0 };
    return new Scalar(apply('multiply', this.node, number), this.#budget);
  }

  /** This divided by another. */
  over(other: Scalar): Scalar {
    return new Scalar(apply('divide', this.node, other.node), this.#budget);
  }

  /** About 36 digits of the values, as text: the same for equal expressions. null: there are none. */
  key(): string | null {
    this.#key ??= this.#computeKey();
    return this.#key === '' ? null : this.#key;
  }

  #computeKey(): string {
    if (this.constant) return sampleKey(this.sample(0)) ?? '';
    const keys = POINTS.map((_, point) => sampleKey(this.sample(point)));
    return keys.filter((key) => key !== null).length < TOO_FEW ? '' : keys.map((key) => key ?? '').join(',');
  }

  /** The same for expressions that are {@link proportional}, by the same sign. null: there are too few values. */
  proportionKey(): string | null {
    const values = POINTS.map((_, point) => {
      const sample = this.sample(point);
      return typeof sample === 'string' || isZeroValue(sample.value) !== false ? null : toBall(sample.value);
    });
    const first = values.find((value) => value !== null) ?? null;
    if (first === null || values.filter((value) => value !== null).length <= TOO_FEW) return null;
    const unit = balls.absolute(first);
    return values.map((value) => (value === null ? '' : fingerprint(balls.divide(value, unit)))).join(',');
  }
}

function sampleKey(sample: Sample | RefusalReason): string | null {
  if (typeof sample === 'string') return null;
  return (sample.nonreal ? '~' : '') + fingerprint(sample.value);
}

export function compareScalars(a: Scalar, b: Scalar): Outcome {
  if (a.constant && b.constant) return compareSamples(a.sample(0), b.sample(0));
  const real = comparePoints(a, b, false);
  return real.same === null && !isLimit(real.why) ? comparePoints(a, b, true) : real;
}

/** Real analysis knows no root of -1 unless the answer speaks of complex numbers; such points count only if no others do. */
function comparePoints(a: Scalar, b: Scalar, complex: boolean): Outcome {
  let agreed = 0;
  let why: RefusalReason = 'undefined';
  const defined: [number, number] = [0, 0];
  for (let point = 0; point < POINTS.length && agreed < ENOUGH; point++) {
    const [x, y] = [a.sample(point), b.sample(point)];
    if (typeof x !== 'string') defined[0]++;
    if (typeof y !== 'string') defined[1]++;
    if (typeof x === 'string' || typeof y === 'string') {
      for (const refusal of [x, y]) {
        if (typeof refusal !== 'string') continue;
        if (isLimit(refusal)) return { same: null, why: refusal };
        if (refusal !== 'undefined' && refusal !== 'syntax') why = refusal;
      }
      continue;
    }
    if (x.nonreal !== y.nonreal && !complex) continue;
    if (x.nonreal && !complex && !usesI(a.node) && !usesI(b.node)) continue;
    const outcome = compareSamples(x, y);
    if (outcome.same === false) return outcome;
    if (outcome.same === null) why = outcome.why;
    else agreed++;
  }
  if (agreed >= TOO_FEW) return { same: true };
  return isOneSided(defined) && why === 'undefined' ? { same: false } : { same: null, why };
}

function compareSamples(x: Sample | RefusalReason, y: Sample | RefusalReason): Outcome {
  if (typeof x === 'string' || typeof y === 'string') {
    const refusals = [x, y].filter((sample) => typeof sample === 'string');
    const limit = refusals.find(isLimit);
    if (limit !== undefined) return { same: null, why: limit };
    // A number is not what has no value.
    if (refusals.length === 1 && (refusals[0] === 'undefined' || refusals[0] === 'syntax')) return { same: false };
    return { same: null, why: refusals.find((why) => why !== 'undefined') ?? 'undefined' };
  }
  const same = sameValue(x.value, y.value);
  if (same === false) return { same };
  const exact = x.value.kind === 'rational' && y.value.kind === 'rational';
  if (same === null || (!exact && (x.absorbed || y.absorbed))) return { same: null, why: 'precision' };
  return { same };
}

/**
 * Is one the other times a constant (above 0, if `positive`)? So are the differences of the sides of two forms of one
 * equation or inequality.
 */
export function proportional(a: Scalar, b: Scalar, positive: boolean): Outcome {
  let first: [Value, Value] | null = null;
  let agreed = 0;
  let why: RefusalReason = 'undefined';
  const defined: [number, number] = [0, 0];
  for (let point = 0; point < POINTS.length && agreed < ENOUGH; point++) {
    const [x, y] = [a.sample(point), b.sample(point)];
    if (typeof x !== 'string') defined[0]++;
    if (typeof y !== 'string') defined[1]++;
    if (typeof x === 'string' || typeof y === 'string') {
      for (const refusal of [x, y])
        if (typeof refusal === 'string' && isLimit(refusal)) return { same: null, why: refusal };
      continue;
    }
    const [zeroX, zeroY] = [isZeroValue(x.value), isZeroValue(y.value)];
    if (zeroX !== null && zeroY !== null && zeroX !== zeroY) return { same: false };
    if (zeroX !== false || zeroY !== false) continue;
    if (first === null) {
      first = [x.value, y.value];
      if (positive && orderValues(x.value, rational(0n)) !== orderValues(y.value, rational(0n))) return { same: false };
      agreed++;
      continue;
    }
    const same = sameValue(crossProduct(x.value, first[1]), crossProduct(y.value, first[0]));
    if (same === false) return { same };
    if (same === null || x.absorbed || y.absorbed) why = 'precision';
    else agreed++;
  }
  if (agreed > TOO_FEW) return { same: true };
  return isOneSided(defined) && why === 'undefined' ? { same: false } : { same: null, why };
}

/** One has values, the other has none anywhere. */
function isOneSided(defined: readonly [number, number]): boolean {
  return Math.min(...defined) === 0 && Math.max(...defined) >= TOO_FEW;
}

function crossProduct(a: Value, b: Value): Value {
  return a.kind === 'rational' && b.kind === 'rational'
    ? rational(a.n * b.n, a.d * b.d)
    : balls.multiply(toBall(a), toBall(b));
}

/** Run a computation; the reason instead of a result where it is refused. */
export function refusalOf<T>(work: () => T): T | RefusalReason {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
}

/** Names of an expression other than constants and the variables of its sums. */
export function variablesOf(
  node: Node,
  found = new Set<string>(),
  bound: ReadonlySet<string> = new Set(),
): Set<string> {
  if (node.kind === 'symbol') {
    if (!CONSTANT_NAMES.has(node.name) && !bound.has(node.name)) found.add(node.name);
    return found;
  }
  if (node.kind === 'series') {
    variablesOf(node.from, found, bound);
    variablesOf(node.to, found, bound);
    return variablesOf(node.body, found, new Set([...bound, node.variable]));
  }
  for (const child of childrenOf(node)) variablesOf(child, found, bound);
  return found;
}

const CONSTANT_NAMES: ReadonlySet<string> = new Set(['pi', 'e', 'i', 'oo']);

function isConstant(node: Node): boolean {
  return variablesOf(node).size === 0;
}

function usesI(node: Node): boolean {
  return node.kind === 'symbol' ? node.name === 'i' : childrenOf(node).some(usesI);
}

/** A number for a name: a different one for every single letter, below 52; above for all others. */
function variableNumber(name: string): number {
  const letter = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(name);
  if (letter >= 0 && name.length === 1) return letter;
  let hash = 7;
  for (const character of name) hash = (hash * 31 + character.charCodeAt(0)) % 100_003;
  return 52 + hash;
}
