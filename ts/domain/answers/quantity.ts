import type { Quantity } from './meaning.ts';
import type { AnswerPolicy } from './policy.ts';
import { gcd, rational } from './rational.ts';
import { compareScalars, type Scalar } from './scalar.ts';
import type { Node } from './tree.ts';
import { absoluteDifference, isRealValue, orderValues, scaled, type Value } from './value.ts';

export interface QuantityVerdict {
  equal: boolean | null;
  reason: string;
}

/** Are two values the same, by the rules of a policy for units, percents, degrees, bases and decimals? Symmetric. */
export function compareQuantities(a: Quantity, b: Quantity, policy: AnswerPolicy): QuantityVerdict {
  if (!sameUnit(a, b, policy)) return { equal: false, reason: 'unit' };
  if (a.percent !== b.percent) return a.percent ? comparePercent(a, b, policy) : comparePercent(b, a, policy);
  if ((a.digits === null) !== (b.digits === null)) return compareBases(a, b, policy);
  if ((a.degrees === null) !== (b.degrees === null))
    return a.degrees === null ? compareDegrees(b, a, policy) : compareDegrees(a, b, policy);
  const verdict = compareValues(a.scalar, b.scalar);
  if (verdict.equal === false && !a.percent && isRounded(a, b, policy)) return { equal: true, reason: 'decimal' };
  if (verdict.equal && !policy.unreducedFractions && isUnreduced(a.scalar.node) !== isUnreduced(b.scalar.node)) {
    return { equal: false, reason: 'unreduced' };
  }
  return verdict;
}

function compareValues(a: Scalar, b: Scalar): QuantityVerdict {
  const outcome = compareScalars(a, b);
  return outcome.same === null ? { equal: null, reason: outcome.why } : { equal: outcome.same, reason: 'value' };
}

function sameUnit(a: Quantity, b: Quantity, policy: AnswerPolicy): boolean {
  if (policy.units === 'ignore' || a.unit === b.unit) return true;
  if (policy.units === 'strict') return false;
  return a.unit === '' || b.unit === '' || !a.knownUnit || !b.knownUnit;
}

/** 50% is 50 or 1/2, as the policy says. */
function comparePercent(percent: Quantity, other: Quantity, policy: AnswerPolicy): QuantityVerdict {
  const number = { ...percent, percent: false };
  if (policy.percent === 'strict') return { equal: false, reason: 'unit' };
  const asNumber = compareQuantities(number, other, policy);
  if (policy.percent === 'number' || (policy.percent === 'either' && asNumber.equal))
    return renamed(asNumber, 'percent');
  const fraction = { ...number, scalar: percent.scalar.times(rational(1n, 100n)) };
  return renamed(compareQuantities(fraction, other, policy), 'percent');
}

/** 90 degrees are 90, and pi/2. */
function compareDegrees(angle: Quantity, other: Quantity, policy: AnswerPolicy): QuantityVerdict {
  if (policy.units === 'strict') return { equal: false, reason: 'unit' };
  const degrees = compareValues(angle.degrees as Scalar, other.scalar);
  if (degrees.equal !== false) return renamed(degrees, 'degrees');
  if (isRounded({ ...angle, scalar: angle.degrees as Scalar }, other, policy))
    return { equal: true, reason: 'decimal' };
  return renamed(compareValues(angle.scalar, other.scalar), 'degrees');
}

function compareBases(a: Quantity, b: Quantity, policy: AnswerPolicy): QuantityVerdict {
  if (policy.base === 'strict') return { equal: false, reason: 'base' };
  return renamed(compareValues(a.digits ?? a.scalar, b.digits ?? b.scalar), 'base');
}

function renamed(verdict: QuantityVerdict, reason: string): QuantityVerdict {
  return verdict.equal === true ? { equal: true, reason } : verdict;
}

/** Is one a decimal that the other is correctly rounded or truncated to? See `decimalDigits` of AnswerPolicy. */
function isRounded(a: Quantity, b: Quantity, policy: AnswerPolicy): boolean {
  if (policy.decimalDigits === null || (a.decimal === null) === (b.decimal === null)) return false;
  const [decimal, exact] = a.decimal === null ? [b, a] : [a, b];
  const { digits, places } = decimal.decimal ?? { digits: 0, places: 0 };
  if (digits < policy.decimalDigits || 3 * places < 2 * policy.decimalDigits) return false;
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
