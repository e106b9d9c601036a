import { Refusal } from './budget.ts';
import * as fixed from './fixed.ts';
import { bitLength, type Rational } from './rational.ts';

/**
 * A complex number with a bound on its error: (re + i im) 2^exponent, known to within 2^error. Floating, not fixed:
 * 1/2004! and 10^30 keep all their digits. The larger part has {@link DIGITS} bits, about 77 decimal digits.
 */
export interface Ball {
  kind: 'ball';
  re: bigint;
  im: bigint;
  exponent: number;
  /** log2 of the greatest error of either part; -Infinity for none. */
  error: number;
}

const DIGITS = 256;

/** Beyond it exponents are no longer exact doubles, and arguments of functions no longer fit their fixed point. */
const MAX_EXPONENT = 2 ** 46;

/** Correct bits of a function of {@link fixed}, whatever its argument. */
const FUNCTION_BITS = 300;

function ball(re: bigint, im: bigint, exponent: number, error: number): Ball {
  const excess = Math.max(bitLength(re), bitLength(im)) - DIGITS;
  if (excess <= 0) return { kind: 'ball', re, im, exponent, error };
  if (Math.abs(exponent) > MAX_EXPONENT) throw new Refusal('precision');
  const shift = BigInt(excess);
  return {
    kind: 'ball',
    re: re >> shift,
    im: im >> shift,
    exponent: exponent + excess,
    error: joinErrors(error, exponent + excess),
  };
}

/** log2(2^a + 2^b), rounded up. */
function joinErrors(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return high === -Infinity ? high : high + Math.log2(1 + 2 ** (low - high)) + 1e-9;
}

/** n / d to the digits carried. */
export function fromRational({ n, d }: Rational): Ball {
  if (d === 1n) return ball(n, 0n, 0, -Infinity);
  const shift = DIGITS + 2 - bitLength(n) + bitLength(d);
  const quotient = shift > 0 ? (n << BigInt(shift)) / d : n / (d << BigInt(-shift));
  return ball(quotient, 0n, -shift, -shift);
}

export const I: Ball = { kind: 'ball', re: 0n, im: 1n, exponent: 0, error: -Infinity };
export const PI: Ball = ball(fixed.PI, 0n, -fixed.PLACES, -fixed.PLACES + 10);

/** An upper bound of log2 of the larger part's absolute value; -Infinity for zero. */
export function magnitude(a: Ball): number {
  const bits = Math.max(bitLength(a.re), bitLength(a.im));
  return bits === 0 ? -Infinity : bits + a.exponent;
}

/** May the true value be 0? */
export function isZero(a: Ball): boolean {
  return magnitude(a) <= a.error + 2;
}

/** Is the imaginary part 0, as far as is known? */
export function isReal(a: Ball): boolean {
  return a.im === 0n || bitLength(a.im) + a.exponent <= a.error + 2;
}

/** The sign of a real number; 0 where it is not known. */
export function signOf(a: Ball): number {
  return isZero(a) ? 0 : a.re < 0n ? -1 : 1;
}

export function realPart(a: Ball): Ball {
  return { ...a, im: 0n };
}

export function imaginaryPart(a: Ball): Ball {
  return { ...a, re: a.im, im: 0n };
}

export function conjugate(a: Ball): Ball {
  return { ...a, im: -a.im };
}

export function negate(a: Ball): Ball {
  return { ...a, re: -a.re, im: -a.im };
}

export function add(a: Ball, b: Ball): Ball {
  if (a.re === 0n && a.im === 0n && a.error === -Infinity) return b;
  if (b.re === 0n && b.im === 0n && b.error === -Infinity) return a;
  const [high, low] = a.exponent >= b.exponent ? [a, b] : [b, a];
  const gap = high.exponent - low.exponent;
  const error = joinErrors(a.error, b.error);
  // The lower one lies wholly below the digits carried.
  if (gap > 4 * DIGITS) return { ...high, error: joinErrors(error, magnitude(low)) };
  const shift = BigInt(gap);
  return ball((high.re << shift) + low.re, (high.im << shift) + low.im, low.exponent, error);
}

export function subtract(a: Ball, b: Ball): Ball {
  return add(a, negate(b));
}

export function multiply(a: Ball, b: Ball): Ball {
  const error = joinErrors(
    joinErrors(a.error + magnitude(b) + 1, b.error + magnitude(a) + 1),
    a.error === -Infinity || b.error === -Infinity ? -Infinity : a.error + b.error + 1,
  );
  const exponent = a.exponent + b.exponent;
  if (a.im === 0n && b.im === 0n) return ball(a.re * b.re, 0n, exponent, error);
  return ball(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re, exponent, error);
}

export function divide(a: Ball, b: Ball): Ball {
  if (isZero(b)) throw new Refusal(b.error === -Infinity ? 'undefined' : 'precision');
  const norm = b.re * b.re + b.im * b.im;
  const shift = BigInt(2 * DIGITS);
  const inverse = ball((b.re << shift) / norm, -(b.im << shift) / norm, -2 * DIGITS - b.exponent, -Infinity);
  // The error of 1/b is that of b times |1/b|^2, besides the rounding of the quotient.
  const error = joinErrors(b.error + 2 * magnitude(inverse) + 2, -2 * DIGITS - b.exponent);
  return multiply(a, { ...inverse, error: joinErrors(error, inverse.error) });
}

/** a^n, n >= 0, by squaring. */
export function power(a: Ball, n: bigint): Ball {
  let result: Ball = { kind: 'ball', re: 1n, im: 0n, exponent: 0, error: -Infinity };
  for (let [rest, square] = [n, a]; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, square);
    if (rest > 1n) square = multiply(square, square);
  }
  return result;
}

/** |a|, real. */
export function absolute(a: Ball): Ball {
  if (isReal(a)) return { ...a, re: a.re < 0n ? -a.re : a.re, im: 0n };
  return squareRoot(ball(a.re * a.re + a.im * a.im, 0n, 2 * a.exponent, a.error + magnitude(a) + 2));
}

/** The principal square root: real part >= 0. */
export function squareRoot(a: Ball): Ball {
  if (a.re === 0n && a.im === 0n) return { ...a, error: a.error / 2 };
  if (isReal(a) && a.re > 0n) {
    const odd = (a.exponent - 2 * DIGITS) % 2 !== 0 ? 1 : 0;
    const exponent = (a.exponent - 2 * DIGITS - odd) / 2;
    const root = fixedRoot(a.re << BigInt(2 * DIGITS + odd));
    const result = ball(root, 0n, exponent, exponent);
    return { ...result, error: joinErrors(result.error, a.error - magnitude(result) + 1) };
  }
  if (isReal(a)) return multiply(I, squareRoot({ ...a, re: -a.re, im: 0n }));
  return exponential(half(logarithm(a)));
}

function fixedRoot(x: bigint): bigint {
  // squareRoot takes and gives fixed-point numbers; PLACES is even.
  return fixed.squareRoot(x) >> BigInt(fixed.PLACES / 2);
}

function half(a: Ball): Ball {
  return { ...a, exponent: a.exponent - 1, error: a.error - 1 };
}

/** As a fixed-point number. @throws Refusal `precision` beyond 2^60, where no digits would be left */
function toFixed(value: bigint, exponent: number): bigint {
  const shift = exponent + fixed.PLACES;
  if (bitLength(value) + exponent > 60) throw new Refusal('precision');
  return shift >= 0 ? value << BigInt(shift) : value >> BigInt(-shift);
}

export function exponential(a: Ball): Ball {
  if (a.error > -16) throw new Refusal('precision');
  const { mantissa, exponent } = fixed.exponential(toFixed(a.re, a.exponent));
  if (Math.abs(exponent) > MAX_EXPONENT) throw new Refusal('precision');
  const scale = ball(mantissa, 0n, exponent - fixed.PLACES, exponent - FUNCTION_BITS);
  const turned = isReal(a) ? scale : multiply(scale, onCircle(a));
  return { ...turned, error: joinErrors(turned.error, a.error + exponent + 3) };
}

/** cos(im) + i sin(im). */
function onCircle(a: Ball): Ball {
  const { sine, cosine } = fixed.sineAndCosine(toFixed(a.im, a.exponent));
  return ball(cosine, sine, -fixed.PLACES, -FUNCTION_BITS);
}

/** The principal logarithm: imaginary part in (-pi, pi]. */
export function logarithm(a: Ball): Ball {
  if (isZero(a)) throw new Refusal('undefined');
  const real = isReal(a);
  const norm = real ? (a.re < 0n ? -a.re : a.re) : a.re * a.re + a.im * a.im;
  const exponent = real ? a.exponent : 2 * a.exponent;
  let re = fixed.logarithm(norm << BigInt(fixed.PLACES)) + BigInt(exponent) * fixed.LN2;
  if (!real) re >>= 1n;
  const im = fixed.angle(real ? 0n : a.im, a.re);
  const error = joinErrors(-FUNCTION_BITS, a.error - magnitude(a) + 3);
  return ball(re, im, -fixed.PLACES, error);
}

/** sin a and cos a. */
export function sineAndCosine(a: Ball): { sine: Ball; cosine: Ball } {
  if (a.error > -16) throw new Refusal('precision');
  if (isReal(a)) {
    const { sine, cosine } = fixed.sineAndCosine(toFixed(a.re, a.exponent));
    const error = joinErrors(-FUNCTION_BITS, a.error);
    return { sine: ball(sine, 0n, -fixed.PLACES, error), cosine: ball(cosine, 0n, -fixed.PLACES, error) };
  }
  const turn = exponential(multiply(I, a));
  const back = exponential(multiply(I, negate(a)));
  return { sine: multiply(negate(I), half(subtract(turn, back))), cosine: half(add(turn, back)) };
}

/** The angle of a point, real. */
export function argument(a: Ball): Ball {
  return imaginaryPart(logarithm(a));
}

/** The nearest double of the real part; for guesses and ordering alone. */
export function toDouble(a: Ball): number {
  const excess = bitLength(a.re) - 60;
  return excess > 0 ? Number(a.re >> BigInt(excess)) * 2 ** (a.exponent + excess) : Number(a.re) * 2 ** a.exponent;
}
