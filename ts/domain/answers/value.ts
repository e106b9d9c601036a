import type { Ball } from './ball.ts';
import * as balls from './ball.ts';
import { orderRational, type Rational, rational } from './rational.ts';

/** A number: exact as long as it is rational and not too large, else with 77 digits and a bound on its error. */
export type Value = Rational | Ball;

/** Two values that agree to so many bits (45 decimal digits) and are not told apart by the digits carried are equal. */
const AGREEMENT = 150;

export function toBall(value: Value): Ball {
  return value.kind === 'ball' ? value : balls.fromRational(value);
}

export function isRealValue(value: Value): boolean {
  return value.kind === 'rational' || balls.isReal(value);
}

/** Is it certainly 0, certainly not, or (null) not known? */
export function isZeroValue(value: Value): boolean | null {
  if (value.kind === 'rational') return value.n === 0n;
  if (!balls.isZero(value)) return false;
  return value.error < -AGREEMENT ? true : null;
}

/** Are two values the same? null: the digits carried do not tell. */
export function sameValue(a: Value, b: Value): boolean | null {
  if (a.kind === 'rational' && b.kind === 'rational')
    return a.n === b.n && a.d === b.d ? true : orderRational(a, b) === 0;
  const [x, y] = [toBall(a), toBall(b)];
  const difference = balls.subtract(x, y);
  if (!balls.isZero(difference)) return false;
  if (balls.isZero(x) && balls.isZero(y)) return x.error < -AGREEMENT && y.error < -AGREEMENT ? true : null;
  return difference.error <= Math.max(balls.magnitude(x), balls.magnitude(y)) - AGREEMENT ? true : null;
}

/** The sign of a - b of two real values: -1, 0 or 1; 0 also where the digits carried do not tell. */
export function orderValues(a: Value, b: Value): number {
  if (a.kind === 'rational' && b.kind === 'rational') return orderRational(a, b);
  return balls.signOf(balls.subtract(toBall(a), toBall(b)));
}

/** |a - b| of two real values. */
export function absoluteDifference(a: Value, b: Value): Value {
  if (a.kind === 'rational' && b.kind === 'rational') {
    const n = a.n * b.d - b.n * a.d;
    return rational(n < 0n ? -n : n, a.d * b.d);
  }
  return balls.absolute(balls.subtract(toBall(a), toBall(b)));
}

/** a times a rational number. */
export function scaled(a: Value, factor: Rational): Value {
  if (a.kind === 'rational') return rational(a.n * factor.n, a.d * factor.d);
  return balls.multiply(a, balls.fromRational(factor));
}

/**
 * About 36 digits of a value as text. Values that {@link sameValue} calls the same have the same text: the value is first
 * multiplied by a number without a pattern, so that none that occurs lies where rounding goes either way.
 */
export function fingerprint(value: Value): string {
  const ball = balls.multiply(toBall(value), PATTERNLESS);
  const top = balls.magnitude(ball);
  if (balls.isZero(ball)) return '0';
  const unit = top - 120;
  const part = (bits: bigint): string => {
    const shift = unit - ball.exponent;
    const rounded = shift > 0 ? (bits + (1n << BigInt(shift - 1))) >> BigInt(shift) : bits << BigInt(-shift);
    return rounded.toString(36);
  };
  const scale = top.toString(36);
  return balls.isReal(ball) ? `${part(ball.re)}@${scale}` : `${part(ball.re)}+${part(ball.im)}i@${scale}`;
}

/** Digits of no significance; its two lowest bits are 1. */
const PATTERNLESS: Ball = {
  kind: 'ball',
  re: 0xb7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfefn,
  im: 0n,
  exponent: -256,
  error: -Infinity,
};
