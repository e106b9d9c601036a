import type { Budget } from './budget.ts';
import type { Quantity } from './meaning.ts';
import type { AnswerPolicy } from './policy.ts';
import { gcd, rational } from './rational.ts';
import { compareScalars, type Scalar } from './scalar.ts';
import type { Node } from './tree.ts';
import { absoluteDifference, isRealValue, orderValues, scaled, type Value } from './value.ts';

/** A policy, and what the comparison under it may still cost. */
export interface Rules extends AnswerPolicy {
  budget: Budget;
}

export interface QuantityVerdict {
  equal: boolean | null;
  reason: string;
}

/** Are two values the same, by the rules of a rules for units, percents, degrees, bases and decimals? Symmetric. */
export function compareQuantities(a: Quantity, b: Quantity, rules: Rules): QuantityVerdict {
  rules.budget.spend(a.scalar.constant && b.scalar.constant ? 4 : 40);
  if (!sameUnit(a, b, rules)) return { equal: false, reason: 'unit' };
  if (a.percent !== b.percent) return a.percent ? comparePercent(a, b, rules) : comparePercent(b, a, rules);
  if ((a.digits === null) !== (b.digits === null)) return compareBases(a, b, rules);
  if ((a.degrees === null) !== (b.degrees === null))
    return a.degrees === null ? compareDegrees(b, a, rules) : compareDegrees(a, b, rules);
  const verdict = compareValues(a.scalar, b.scalar);
  if (verdict.equal === false && !a.percent && isRounded(a, b, rules)) return { equal: true, reason: 'decimal' };
  if (verdict.equal && !rules.unreducedFractions && isUnreduced(a.scalar.node) !== isUnreduced(b.scalar.node)) {
    return { equal: false, reason: 'unreduced' };
  }
  return verdict;
}

function compareValues(a: Scalar, b: Scalar): QuantityVerdict {
  const outcome = compareScalars(a, b);
  return outcome.same === null ? { equal: null, reason: outcome.why } : { equal: outcome.same, reason: 'value' };
}

function sameUnit(a: Quantity, b: Quantity, rules: Rules): boolean {
  if (rules.units === 'ignore' || a.unit === b.unit) return true;
  if (rules.units === 'strict') return false;
  return a.unit === '' || b.unit === '' || !a.knownUnit || !b.knownUnit;
}

/** 50% is 50 or 1/2, as the rules says. */
function comparePercent(percent: Quantity, other: Quantity, rules: Rules): QuantityVerdict {
  const number = { ...percent, percent: false };
  if (rules.percent === 'strict') return { equal: false, reason: 'unit' };
  const asNumber = compareQuantities(number, other, rules);
  if (rules.percent === 'number' || (rules.percent === 'either' && asNumber.equal)) return renamed(asNumber, 'percent');
  const fraction = { ...number, scalar: percent.scalar.times(rational(1n, 100n)) };
  return renamed(compareQuantities(fraction, other, rules), 'percent');
}

/** 90 degrees are 90, and pi/2. */
function compareDegrees(angle: Quantity, other: Quantity, rules: Rules): QuantityVerdict {
  if (rules.units === 'strict') return { equal: false, reason: 'unit' };
  const degrees = compareValues(angle.degrees as Scalar, other.scalar);
  if (degrees.equal !== false) return renamed(degrees, 'degrees');
  if (isRounded({ ...angle, scalar: angle.degrees as Scalar }, other, rules)) return { equal: true, reason: 'decimal' };
  return renamed(compareValues(angle.scalar, other.scalar), 'degrees');
}

function compareBases(a: Quantity, b: Quantity, rules: Rules): QuantityVerdict {
  if (rules.base === 'strict') return { equal: false, reason: 'base' };
  return renamed(compareValues(a.digits ?? a.scalar, b.digits ?? b.scalar), 'base');
}

function renamed(verdict: QuantityVerdict, reason: string): QuantityVerdict {
  return verdict.equal === true ? { equal: true, reason } : verdict;
}

/** Is one a decimal that the other is correctly rounded or truncated to? See `decimalDigits` of AnswerPolicy. */
function isRounded(a: Quantity, b: Quantity, rules: Rules): boolean {
  if (rules.decimalDigits === null || (a.decimal === null) === (b.decimal === null)) return false;
  const [decimal, exact] = a.decimal === null ? [b, a] : [a, b];
  const { digits, places } = decimal.decimal ?? { digits: 0, places: 0 };
  if (digits < rules.decimalDigits || 3 * places < 2 * rules.decimalDigits) return false;
  const [d, v] = [decimal.scalar.value, exact.scalar.value];
  if (d === null || v === null || !isRealValue(d) || !isRealValue(v)) return false;
  const error = absoluteDifference(d, v);
  const unit = rational(1n, 10n ** BigInt(places));
  if (orderValues(scaled(error, rational(2n)), unit) <= 0) return true;
  // Truncated: nearer to 0 by less than one unit of the last place.
  return orderValues(error, unit) < 0 && isNearerToZero(d, v);
}

function isNearerToZero(d: Value, v: Value): boolean {
  const zero = rational(0n);
  const [sign, order] = [orderValues(v, zero), orderValues(d, v)];
  return sign > 0 ? order < 0 : order > 0;
}

/** A fraction of whole numbers that could be reduced. */
function isUnreduced(node: Node): boolean {
  if (node.kind === 'group') return isUnreduced(node.inner);
  if (node.kind !== 'apply') return false;
  if (node.name === 'negative') return isUnreduced(node.args[0] as Node);
  const [top, second] = node.args;
  const bottom =
    node.name === 'divide'
      ? second
      : second?.kind === 'apply' && second.name === 'inverse'
        ? second.args[0]
        : undefined;
  if (node.args.length !== 2 || top?.kind !== 'number' || bottom?.kind !== 'number') return false;
  return gcd(top.value.n, bottom.value.n) > 1n;
}
