import type { Ball } from './ball.ts';
import * as balls from './ball.ts';
import { Refusal } from './budget.ts';

/** Functions of one complex number that have no exact value worth keeping. Branches are the principal ones. */
export const TRANSCENDENTAL: Readonly<Record<string, (x: Ball) => Ball>> = {
  exp: balls.exponential,
  ln: balls.logarithm,
  arg: balls.argument,
  sin: (x) => balls.sineAndCosine(x).sine,
  cos: (x) => balls.sineAndCosine(x).cosine,
  tan: (x) => quotient(balls.sineAndCosine(x), 'sine', 'cosine'),
  cot: (x) => quotient(balls.sineAndCosine(x), 'cosine', 'sine'),
  sec: (x) => balls.divide(ONE(), balls.sineAndCosine(x).cosine),
  csc: (x) => balls.divide(ONE(), balls.sineAndCosine(x).sine),
  sinh: (x) => half(balls.subtract(balls.exponential(x), balls.exponential(balls.negate(x)))),
  cosh: (x) => half(balls.add(balls.exponential(x), balls.exponential(balls.negate(x)))),
  tanh: (x) => hyperbolicTangent(x),
  coth: (x) => balls.divide(ONE(), hyperbolicTangent(x)),
  arcsin,
  arccos: (x) => balls.subtract(half(balls.PI), arcsin(x)),
  arctan,
  arccot: (x) => balls.subtract(half(balls.PI), arctan(x)),
  arcsec: (x) => balls.subtract(half(balls.PI), arcsin(balls.divide(ONE(), x))),
  arccsc: (x) => arcsin(balls.divide(ONE(), x)),
  // artanh and the like by their logarithms.
  arcsinh: (x) => balls.logarithm(balls.add(x, balls.squareRoot(balls.add(balls.multiply(x, x), ONE())))),
  arccosh: (x) =>
    balls.logarithm(
      balls.add(x, balls.multiply(balls.squareRoot(balls.add(x, ONE())), balls.squareRoot(balls.subtract(x, ONE())))),
    ),
  arctanh: (x) => half(balls.logarithm(balls.divide(balls.add(ONE(), x), balls.subtract(ONE(), x)))),
  re: balls.realPart,
  im: balls.imaginaryPart,
  conjugate: balls.conjugate,
};

function ONE(): Ball {
  return { kind: 'ball', re: 1n, im: 0n, exponent: 0, error: -Infinity };
}

function half(x: Ball): Ball {
  return balls.multiply(x, { ...ONE(), exponent: -1 });
}

function quotient(parts: { sine: Ball; cosine: Ball }, top: 'sine' | 'cosine', bottom: 'sine' | 'cosine'): Ball {
  // The cosine of pi/2 as it is computed is 0 as far as is known.
  if (balls.isZero(parts[bottom])) throw new Refusal('undefined');
  return balls.divide(parts[top], parts[bottom]);
}

function hyperbolicTangent(x: Ball): Ball {
  const [up, down] = [balls.exponential(x), balls.exponential(balls.negate(x))];
  return balls.divide(balls.subtract(up, down), balls.add(up, down));
}

/** -i ln(ix + sqrt(1 - x^2)), real for -1 <= x <= 1. */
function arcsin(x: Ball): Ball {
  const root = balls.squareRoot(balls.subtract(ONE(), balls.multiply(x, x)));
  const turned = balls.logarithm(balls.add(balls.multiply(balls.I, x), root));
  return balls.multiply(balls.negate(balls.I), turned);
}

/** (i/2) ln((1 - ix) / (1 + ix)), real for real x, in (-pi/2, pi/2). */
function arctan(x: Ball): Ball {
  const turned = balls.multiply(balls.I, x);
  if (balls.isReal(x)) return balls.argument(balls.add(ONE(), turned));
  const ratio = balls.divide(balls.subtract(ONE(), turned), balls.add(ONE(), turned));
  return half(balls.multiply(balls.I, balls.logarithm(ratio)));
}
