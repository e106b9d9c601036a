import { type Budget, LIMITS, Refusal } from './budget.ts';

/** The exact number n / d, d > 0. In lowest terms unless both have more than {@link REDUCED_BITS} bits. */
export interface Rational {
  kind: 'rational';
  n: bigint;
  d: bigint;
}

/** Euclid's algorithm is quadratic in the smaller number; above this size a fraction stays as it is. */
const REDUCED_BITS = 2048;

export function rational(n: bigint, d = 1n): Rational {
  if (d === 0n) throw new Refusal('undefined');
  if (d === 1n) return { kind: 'rational', n, d };
  if (d < 0n) return rational(-n, -d);
  const divisor = Math.min(bitLength(n), bitLength(d)) <= REDUCED_BITS ? gcd(n, d) : n % d === 0n ? d : 1n;
  return { kind: 'rational', n: n / divisor, d: d / divisor };
}

export function addRational(a: Rational, b: Rational, budget: Budget): Rational {
  guard(a, b, budget);
  return a.d === b.d ? rational(a.n + b.n, a.d) : rational(a.n * b.d + b.n * a.d, a.d * b.d);
}

export function multiplyRational(a: Rational, b: Rational, budget: Budget): Rational {
  guard(a, b, budget);
  return rational(a.n * b.n, a.d * b.d);
}

export function divideRational(a: Rational, b: Rational, budget: Budget): Rational {
  guard(a, b, budget);
  return rational(a.n * b.d, a.d * b.n);
}

export function negateRational(a: Rational): Rational {
  return { kind: 'rational', n: -a.n, d: a.d };
}

/** The sign of a - b: -1, 0 or 1. */
export function orderRational(a: Rational, b: Rational): number {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The power with a whole exponent; null when it has more than `LIMITS.bits` bits. */
export function powerRational(a: Rational, exponent: bigint, budget: Budget): Rational | null {
  if (exponent < 0n) return powerRational(divideRational(rational(1n), a, budget), -exponent, budget);
  const size = Math.max(bitLength(a.n), bitLength(a.d));
  // 0, 1 and -1 stay small whatever the exponent.
  if (size <= 1) return a.n < 0n && exponent % 2n === 0n ? rational(1n) : exponent === 0n ? rational(1n) : a;
  if (exponent > BigInt(LIMITS.bits) || size * Number(exponent) > LIMITS.bits + size) return null;
  budget.spend(1 + multiplicationCost(size * Number(exponent)));
  return { kind: 'rational', n: a.n ** exponent, d: a.d ** exponent };
}

/** floor(a). */
export function floorRational(a: Rational): bigint {
  const quotient = a.n / a.d;
  return a.n < 0n && quotient * a.d !== a.n ? quotient - 1n : quotient;
}

/** The whole number of bits of |x|; 0 for 0. */
export function bitLength(x: bigint): number {
  if (x === 0n) return 0;
  const hex = (x < 0n ? -x : x).toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0] ?? '0', 16)) + 28;
}

/** floor(x^(1/k)) of x >= 0, by Newton's iteration from above. */
export function integerRoot(x: bigint, k: number): bigint {
  if (x < 2n) return x;
  const power = BigInt(k);
  let root = 1n << BigInt(Math.ceil(bitLength(x) / k));
  for (;;) {
    const next = ((power - 1n) * root + x / root ** (power - 1n)) / power;
    if (next >= root) return root;
    root = next;
  }
}

/** The greatest common divisor, >= 0. */
export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

/** Steps that a product or a quotient of that many bits takes. */
export function multiplicationCost(bits: number): number {
  return Math.ceil((bits / 1000) ** 1.6);
}

/** Charge for an operation on two numbers, and for reducing its result. */
function guard(a: Rational, b: Rational, budget: Budget): void {
  const whole = a.d === 1n && b.d === 1n;
  const size = whole ? smallSize(a.n, b.n) : bitLength(a.n) + bitLength(a.d) + bitLength(b.n) + bitLength(b.d);
  if (size > 2 * LIMITS.bits) throw new Refusal('bits');
  budget.spend(1 + multiplicationCost(size) + (whole ? 0 : reductionCost(size / 2)));
}

/** Euclid's algorithm takes about half a step per bit, each of them a division. */
function reductionCost(bits: number): number {
  const reduced = Math.min(bits, 2 * REDUCED_BITS);
  return Math.ceil(reduced / 30 + reduced ** 2 / 10_000);
}

function smallSize(a: bigint, b: bigint): number {
  const small = (x: bigint): boolean => x < 1_000_000_000n && x > -1_000_000_000n;
  return small(a) && small(b) ? 60 : bitLength(a) + bitLength(b);
}
