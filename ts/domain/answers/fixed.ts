import { bitLength, integerRoot } from './rational.ts';

/** Binary places of a fixed-point number: x stands for x / 2^PLACES. About 115 decimal digits. */
export const PLACES = 384;

const SHIFT = BigInt(PLACES);
const ONE = 1n << SHIFT;

/** Halvings of an argument before its Taylor series, which then needs few terms. */
const HALVINGS = 12n;

/** Machin: pi = 16 atan(1/5) - 4 atan(1/239). */
export const PI = 16n * arcTangentOfInverse(5n) - 4n * arcTangentOfInverse(239n);

/** ln 2 = 2 artanh(1/3). */
export const LN2 = 2n * inverseSeries(3n, 1n);

export function multiplyFixed(a: bigint, b: bigint): bigint {
  return (a * b) >> SHIFT;
}

export function divideFixed(a: bigint, b: bigint): bigint {
  return (a << SHIFT) / b;
}

/** e^x as `mantissa` 2^`exponent`, mantissa in [0.7, 1.42). |x| up to 2^60 keeps 300 correct bits. */
export function exponential(x: bigint): { mantissa: bigint; exponent: number } {
  const exponent = roundedQuotient(x, LN2);
  return { mantissa: exponentialNearZero(x - exponent * LN2), exponent: Number(exponent) };
}

/** sin x and cos x. |x| up to 2^60 keeps 300 correct bits. */
export function sineAndCosine(x: bigint): { sine: bigint; cosine: bigint } {
  const quarters = roundedQuotient(x, PI >> 1n);
  const r = (x - ((quarters * PI) >> 1n)) >> HALVINGS;
  const square = multiplyFixed(r, r);
  let [sine, cosine] = [0n, 0n];
  for (let term = ONE, k = 1n; term !== 0n; k += 2n) {
    cosine += term;
    const odd = multiplyFixed(term, r) / k;
    sine += odd;
    term = -multiplyFixed(term, square) / (k * (k + 1n));
  }
  for (let i = 0n; i < HALVINGS; i++) {
    [sine, cosine] = [multiplyFixed(sine, cosine) << 1n, (multiplyFixed(cosine, cosine) << 1n) - ONE];
  }
  switch (((quarters % 4n) + 4n) % 4n) {
    case 0n:
      return { sine, cosine };
    case 1n:
      return { sine: cosine, cosine: -sine };
    case 2n:
      return { sine: -sine, cosine: -cosine };
    default:
      return { sine: -cosine, cosine: sine };
  }
}

/** ln x, x > 0: from the double nearest to it, corrected by artanh, whose argument is then about 2^-53. */
export function logarithm(x: bigint): bigint {
  const shift = bitLength(x) - PLACES;
  const mantissa = shift > 0 ? x >> BigInt(shift) : x << BigInt(-shift);
  const guess = fromDouble(Math.log(toDouble(mantissa)));
  const ratio = multiplyFixed(mantissa, exponentialNearZero(-guess));
  return guess + 2n * oddSeries(divideFixed(ratio - ONE, ratio + ONE), 1n) + BigInt(shift) * LN2;
}

/** The angle of the point (x, y), not both 0, in (-pi, pi]: likewise from the double nearest to it. */
export function angle(y: bigint, x: bigint): bigint {
  if (y === 0n) return x < 0n ? PI : 0n;
  const shift = Math.max(bitLength(x), bitLength(y)) - PLACES;
  const scale = (v: bigint): bigint => (shift > 0 ? v >> BigInt(shift) : v << BigInt(-shift));
  const [a, b] = [scale(x), scale(y)];
  const guess = fromDouble(Math.atan2(toDouble(b), toDouble(a)));
  const { sine, cosine } = sineAndCosine(guess);
  const [across, along] = [b * cosine - a * sine, a * cosine + b * sine];
  return guess + oddSeries((across << SHIFT) / along, -1n);
}

/** The square root of x >= 0. */
export function squareRoot(x: bigint): bigint {
  return integerRoot(x << SHIFT, 2);
}

function exponentialNearZero(x: bigint): bigint {
  const r = x >> HALVINGS;
  let sum = 0n;
  for (let term = ONE, k = 1n; term !== 0n && term !== -1n; k++) {
    sum += term;
    term = multiplyFixed(term, r) / k;
  }
  for (let i = 0n; i < HALVINGS; i++) sum = multiplyFixed(sum, sum);
  return sum;
}

/** x + s x^3/3 + x^5/5 + s x^7/7 ...: artanh for s = 1, arctan for s = -1. */
function oddSeries(x: bigint, sign: 1n | -1n): bigint {
  const square = sign * multiplyFixed(x, x);
  let sum = 0n;
  for (let power = x, k = 1n; power !== 0n && power !== -1n; k += 2n) {
    sum += power / k;
    power = multiplyFixed(power, square);
  }
  return sum;
}

function arcTangentOfInverse(n: bigint): bigint {
  return inverseSeries(n, -1n);
}

function inverseSeries(n: bigint, sign: 1n | -1n): bigint {
  let sum = 0n;
  for (let power = ONE / n, k = 1n; power !== 0n; k += 2n) {
    sum += power / k;
    power = (sign * power) / (n * n);
  }
  return sum;
}

function roundedQuotient(a: bigint, b: bigint): bigint {
  const doubled = (a << 1n) + b;
  const quotient = doubled / (b << 1n);
  return doubled < 0n ? quotient - 1n : quotient;
}

function fromDouble(x: number): bigint {
  return BigInt(Math.round(x * 2 ** 52)) << (SHIFT - 52n);
}

function toDouble(x: bigint): number {
  return Number(x >> (SHIFT - 60n)) / 2 ** 60;
}
