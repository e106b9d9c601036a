/**
 * Logarithm and exponential, rounded to the nearest double. `Math.log` and `Math.exp` may be off in the last bit, and
 * that bit can decide a tie between two distances, hence the clusters. The C libraries behind Python's `math` almost
 * always round to nearest, so these agree with it where `Math` does not.
 *
 * Inside, a number is an unevaluated sum of two doubles, about 106 bits (Dekker 1971).
 */
type Double = readonly [high: number, low: number];

/** The natural logarithm. @param x positive */
export function log(x: number): number {
  const guess = Math.log(x);
  // log x = guess + log(x exp(-guess)); what is in brackets is 1 but for rounding, so its logarithm is what exceeds 1.
  const [high, low] = times(expand([-guess, 0]), [x, 0]);
  return guess + (high - 1 + low);
}

/** e to the power of x. */
export function exp(x: number): number {
  // Outside, parts of the sums below would not be normal numbers.
  if (!(x > -600 && x < 600)) return Math.exp(x);
  const steps = Math.round(x * STEPS_PER_UNIT);
  const rest = x - steps * STEP_HIGH - steps * STEP_LOW;
  const series = rest + rest * rest * (1 / 2 + rest * (1 / 6 + rest / 24));
  const root = steps & (ROOTS - 1);
  const high = rootsHigh[root] as number;
  const correction = (rootsLow[root] as number) + high * series;
  // The correction is right to 2^-61; where that leaves a choice of two doubles, all digits are worth their time.
  const result = high + (correction - UNCERTAINTY);
  if (result !== high + (correction + UNCERTAINTY)) return expand([x, 0])[0];
  return result * (powers[(steps - root) / ROOTS + MOST_TWOS] as number);
}

/** The sum of four numbers, rounded to nearest as Python's `math.fsum`. */
export function sumOf4(a: number, b: number, c: number, d: number): number {
  const ab = a + b;
  const abPart = ab - a;
  const abError = a - (ab - abPart) + (b - abPart);
  const abc = ab + c;
  const abcPart = abc - ab;
  const abcError = ab - (abc - abcPart) + (c - abcPart);
  const all = abc + d;
  const allPart = all - abc;
  const allError = abc - (all - allPart) + (d - allPart);
  return all + (abError + abcError + allError);
}

/** ln 2 in three parts, the first two of 42 bits, so that small multiples of them are exact. */
const LN2 = [0.6931471805598903, 5.49792301870721e-14, 1.1612227229362532e-26] as const;

/** exp(x) is 2^(k / ROOTS) exp(rest) with a rest so small that few terms are enough. */
const ROOTS = 1024;
const STEPS_PER_UNIT = ROOTS / Math.LN2;
/** ln 2 / ROOTS; the first part has 32 bits. */
const STEP_HIGH = 0.6931471803691238 / ROOTS;
const STEP_LOW = 1.9082149292705877e-10 / ROOTS;
const UNCERTAINTY = 2 ** -61;

/** 2^k by k + MOST_TWOS. */
const MOST_TWOS = 900;
const powers = Float64Array.from({ length: 2 * MOST_TWOS + 1 }, (_, k) => 2 ** (k - MOST_TWOS));

const roots = Array.from({ length: ROOTS }, (_, k) => expand([(k * LN2[0]) / ROOTS, (k * LN2[1]) / ROOTS]));
const rootsHigh = Float64Array.from(roots, ([high]) => high);
const rootsLow = Float64Array.from(roots, ([, low]) => low);

/** e to the power of x to about 100 bits. */
function expand(x: Double): Double {
  const twos = Math.round(x[0] / Math.LN2);
  const rest = plus(plus(x, [-twos * LN2[0], 0]), plus([-twos * LN2[1], 0], [-twos * LN2[2], 0]));
  // A power of two to divide by before the series, and to square away after it.
  const halvings = 8;
  const small: Double = [rest[0] / 2 ** halvings, rest[1] / 2 ** halvings];
  // e^y = 1 + y (1 + y/2 (1 + y/3 (...))), from the innermost bracket.
  let bracket: Double = [1, 0];
  for (let k = 10; k > 1; k--) bracket = plus([1, 0], over(times(small, bracket), k));
  let power = times(small, bracket);
  // (1 + p)^2 - 1 = 2p + p^2; without the 1, nothing small is lost.
  for (let k = 0; k < halvings; k++) power = plus([2 * power[0], 2 * power[1]], times(power, power));
  const [high, low] = plus([1, 0], power);
  return [high * 2 ** twos, low * 2 ** twos];
}

function plus([a, aLow]: Double, [b, bLow]: Double): Double {
  const [high, error] = exactSum(a, b);
  const [low, lowError] = exactSum(aLow, bLow);
  const [middle, rest] = normalise(high, error + low);
  return normalise(middle, rest + lowError);
}

function times([a, aLow]: Double, [b, bLow]: Double): Double {
  const high = a * b;
  const [a1, a2] = halves(a);
  const [b1, b2] = halves(b);
  const error = a1 * b1 - high + a1 * b2 + a2 * b1 + a2 * b2;
  return normalise(high, error + (a * bLow + aLow * b));
}

function over([a, aLow]: Double, divisor: number): Double {
  const quotient = a / divisor;
  const [high, low] = times([quotient, 0], [divisor, 0]);
  return normalise(quotient, (a - high - low + aLow) / divisor);
}

/** A sum and its rounding error (Knuth). */
function exactSum(a: number, b: number): Double {
  const high = a + b;
  const part = high - a;
  return [high, a - (high - part) + (b - part)];
}

/** The same, |a| >= |b|. */
function normalise(a: number, b: number): Double {
  const high = a + b;
  return [high, b - (high - a)];
}

/** A double as the sum of two with 26 bits (Veltkamp). */
function halves(a: number): Double {
  const wide = 134_217_729 * a;
  const high = wide - (wide - a);
  return [high, a - high];
}
