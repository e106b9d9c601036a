import * as balls from './ball.ts';
import { type Budget, LIMITS, Refusal } from './budget.ts';
import { TRANSCENDENTAL } from './functions.ts';
import * as rationals from './rational.ts';
import { type Rational, rational } from './rational.ts';
import type { Node } from './tree.ts';
import { isRealValue, orderValues, sameValue, toBall, type Value } from './value.ts';
import { binomial, factorial, remainder } from './whole.ts';

/** The value of an expression, and how far it is to be trusted. */
export interface Sample {
  value: Value;
  /** A number other than real occurred on the way: outside the domain of real analysis. */
  nonreal: boolean;
  /** A term was too small, beside another, for the digits carried: e^200 + 1. The value does not prove an equality. */
  absorbed: boolean;
}

/** Steps of a function of the transcendental kind, each of about a microsecond. */
const FUNCTION_STEPS = 25;

/** Bits by which a term may be smaller than the sum it goes into before it counts as absorbed. */
const ABSORBED = 90;

/** Bits of an exact constant beyond which its rounding counts as an absorption. */
const LONG = 200;

/** Exponents and roots of an exact number up to this one are looked for exactly. */
const MAX_ROOT = 64n;

const HALF_TURN = rational(180n);
const ZERO = rational(0n);
const ONE = rational(1n);

/**
 * The value of an expression where its variables have the given values.
 *
 * @param point the value of a variable; undefined for a constant expression, where any variable is an error
 * @throws Refusal `undefined` (1/0, ln 0, n! of a fraction), `precision`, or a limit
 */
export function evaluate(node: Node, point: ((name: string) => Value) | undefined, budget: Budget): Sample {
  const evaluator = new Evaluator(point, budget);
  const value = evaluator.value(node);
  return { value, nonreal: evaluator.nonreal || !isRealValue(value), absorbed: evaluator.absorbed };
}

class Evaluator {
  nonreal = false;
  absorbed = false;
  readonly #point: ((name: string) => Value) | undefined;
  readonly #budget: Budget;
  readonly #bound = new Map<string, Value>();

  constructor(point: ((name: string) => Value) | undefined, budget: Budget) {
    this.#point = point;
    this.#budget = budget;
  }

  value(node: Node): Value {
    this.#budget.spend(1);
    switch (node.kind) {
      case 'number':
        return node.value;
      case 'symbol':
        return this.#symbol(node.name);
      case 'group':
        return this.#budget.deeper(() => this.value(node.inner));
      case 'quantity':
        return this.#budget.deeper(() => this.value(node.value));
      case 'percent':
        return this.#budget.deeper(() => rationalOrBall(this.value(node.value), rational(1n, 100n), this.#budget));
      case 'series':
        return this.#budget.deeper(() => this.#series(node));
      case 'apply':
        return this.#budget.deeper(() => this.#apply(node.name, node.args));
      default:
        throw new Refusal('syntax');
    }
  }

  #symbol(name: string): Value {
    const bound = this.#bound.get(name);
    if (bound !== undefined) return bound;
    if (name === 'pi') return balls.PI;
    if (name === 'i') return balls.I;
    if (name === 'e') {
      this.#budget.spend(FUNCTION_STEPS);
      return balls.exponential(toBall(ONE));
    }
    if (name === 'oo') throw new Refusal('undefined');
    if (this.#point === undefined) throw new Refusal('syntax');
    return this.#point(name);
  }

  #apply(name: string, args: readonly Node[]): Value {
    if (name === 'add') return this.#fold(args, (a, b) => this.#add(a, b));
    if (name === 'multiply') return this.#fold(args, (a, b) => this.#multiply(a, b));
    // e^x directly, not by ln e.
    if (name === 'power' && args[0]?.kind === 'symbol' && args[0].name === 'e' && args[1] !== undefined) {
      return this.#function('exp', this.value(args[1]));
    }
    const values = args.map((arg) => this.value(arg));
    const [a = ZERO, b] = values;
    if (b === undefined) return this.#unary(name, a, values);
    if (values.length === 2) {
      switch (name) {
        case 'divide':
          return this.#divide(a, b);
        case 'power':
          return this.#power(a, b);
        case 'root':
          return this.#root(b, a);
        case 'log':
          return this.#divide(this.#function('ln', b), this.#function('ln', a));
        case 'binomial':
          return binomial(this.#exact(a), this.#whole(b), this.#budget);
        case 'remainder':
          return remainder(this.#exact(a), this.#exact(b), this.#budget);
      }
    }
    return this.#several(name, values);
  }

  #fold(args: readonly Node[], combine: (a: Value, b: Value) => Value): Value {
    let result: Value | undefined;
    for (const arg of args) {
      const value = this.value(arg);
      result = result === undefined ? value : combine(result, value);
    }
    return result ?? ZERO;
  }

  #unary(name: string, a: Value, values: readonly Value[]): Value {
    switch (name) {
      case 'negative':
        return a.kind === 'rational' ? rationals.negateRational(a) : balls.negate(a);
      case 'inverse':
        return this.#divide(ONE, a);
      case 'degree':
        return this.#divide(this.#multiply(a, balls.PI), HALF_TURN);
      case 'abs':
        return a.kind === 'rational'
          ? a.n < 0n
            ? rationals.negateRational(a)
            : a
          : this.#costly(() => balls.absolute(a));
      case 'sign':
        return this.#divide(a, this.#unary('abs', a, values));
      case 'floor':
        return rational(this.#floor(a));
      case 'ceil':
        return rational(-this.#floor(this.#unary('negative', a, values)));
      case 'factorial':
        return factorial(this.#whole(a), 1n, this.#budget);
      case 'doubleFactorial':
        return factorial(this.#whole(a), 2n, this.#budget);
      case 'cbrt':
        return this.#root(a, rational(3n));
      case 'pm':
      case 'mp':
        throw new Refusal('syntax');
      default:
        return name in TRANSCENDENTAL ? this.#function(name, a) : this.#several(name, values);
    }
  }

  #several(name: string, values: readonly Value[]): Value {
    const [first] = values;
    // `min at 3` is no minimum.
    if (first === undefined || values.length < 2) throw new Refusal('syntax');
    if (name === 'max' || name === 'min') {
      return values.reduce((a, b) => (orderValues(this.#real(a), this.#real(b)) >= 0 === (name === 'max') ? a : b));
    }
    if (name === 'gcd' || name === 'lcm') {
      const whole = values.map((value) => this.#whole(value));
      const divisor = (a: bigint, b: bigint): bigint => {
        this.#budget.spend(1 + rationals.bitLength(a));
        return rationals.gcd(a, b);
      };
      if (name === 'gcd') return rational(whole.reduce(divisor));
      return rational(whole.reduce((a, b) => (a === 0n || b === 0n ? 0n : (a * b) / divisor(a, b))));
    }
    throw new Refusal('syntax');
  }

  #series({ name, variable, from, to, body }: Extract<Node, { kind: 'series' }>): Value {
    if (isEndless(from) || isEndless(to)) throw new Refusal('unsupported');
    const [start, end] = [this.#whole(this.value(from)), this.#whole(this.value(to))];
    if (end - start >= BigInt(LIMITS.terms)) throw new Refusal('terms');
    const outer = this.#bound.get(variable);
    let result: Value = name === 'sum' ? ZERO : ONE;
    for (let k = start; k <= end; k++) {
      this.#bound.set(variable, rational(k));
      const term = this.value(body);
      result = name === 'sum' ? this.#add(result, term) : this.#multiply(result, term);
    }
    if (outer === undefined) this.#bound.delete(variable);
    else this.#bound.set(variable, outer);
    return result;
  }

  // Arithmetic, exact where it can be

  #ball(value: Value): balls.Ball {
    if (value.kind === 'rational' && this.#point === undefined) {
      if (value.n > 1n << 200n || value.n < -(1n << 200n) || value.d > 1n << 200n) {
        this.absorbed ||= rationals.bitLength(value.n) > LONG || rationals.bitLength(value.d) > LONG;
      }
    }
    return toBall(value);
  }

  #add(a: Value, b: Value): Value {
    if (a.kind === 'rational' && b.kind === 'rational') return rationals.addRational(a, b, this.#budget);
    this.#budget.spend(1);
    const [x, y] = [this.#ball(a), this.#ball(b)];
    const [p, q] = [balls.magnitude(x), balls.magnitude(y)];
    if (Math.abs(p - q) > ABSORBED && !balls.isZero(p < q ? x : y)) this.absorbed = true;
    return balls.add(x, y);
  }

  #multiply(a: Value, b: Value): Value {
    if (a.kind === 'rational' && b.kind === 'rational') return rationals.multiplyRational(a, b, this.#budget);
    this.#budget.spend(1);
    return balls.multiply(this.#ball(a), this.#ball(b));
  }

  #divide(a: Value, b: Value): Value {
    if (a.kind === 'rational' && b.kind === 'rational') return rationals.divideRational(a, b, this.#budget);
    this.#budget.spend(2);
    return balls.divide(this.#ball(a), this.#ball(b));
  }

  #power(a: Value, b: Value): Value {
    if (b.kind !== 'rational') {
      if (a.kind === 'rational' && a.n === 0n) throw new Refusal('undefined');
      return this.#function('exp', this.#multiply(b, this.#function('ln', a)));
    }
    if (b.d === 1n) return this.#wholePower(a, b.n);
    // x^(2/3) is the real (x^(1/3))^2 also where x < 0.
    const root = this.#root(a, rational(b.d));
    return this.#wholePower(root, b.n);
  }

  #wholePower(a: Value, n: bigint): Value {
    if (n === 0n) return ONE;
    if (a.kind === 'rational') {
      if (a.n === 0n && n < 0n) throw new Refusal('undefined');
      const exact = rationals.powerRational(a, n, this.#budget);
      if (exact !== null) return exact;
    }
    if (rationals.bitLength(n) > 60) throw new Refusal('bits');
    this.#budget.spend(2 * rationals.bitLength(n));
    const positive = balls.power(this.#ball(a), n < 0n ? -n : n);
    return n < 0n ? balls.divide(toBall(ONE), positive) : positive;
  }

  /** a^(1/index): real for a negative number and an odd index. */
  #root(a: Value, index: Value): Value {
    const n = index.kind === 'rational' && index.d === 1n && index.n > 0n ? index.n : null;
    if (n === null) return this.#power(a, this.#divide(ONE, index));
    if (n === 1n || (a.kind === 'rational' && a.n === 0n)) return a;
    const negative = isRealValue(a) && orderValues(a, ZERO) < 0;
    if (negative && n % 2n === 1n)
      return this.#unary('negative', this.#root(this.#unary('negative', a, []), index), []);
    if (negative) this.nonreal = true;
    if (a.kind === 'rational' && n <= MAX_ROOT && !negative) {
      const exact = this.#exactRoot(a, Number(n));
      if (exact !== null) return exact;
    }
    this.#budget.spend(FUNCTION_STEPS);
    if (n === 2n) return balls.squareRoot(this.#ball(a));
    return this.#function('exp', this.#divide(this.#function('ln', a), rational(n)));
  }

  #exactRoot(a: Rational, n: number): Rational | null {
    const size = rationals.bitLength(a.n) + rationals.bitLength(a.d);
    if (size > 4096) return null;
    this.#budget.spend(2 + 10 * rationals.multiplicationCost(size));
    const [top, bottom] = [rationals.integerRoot(a.n, n), rationals.integerRoot(a.d, n)];
    return top ** BigInt(n) === a.n && bottom ** BigInt(n) === a.d ? rational(top, bottom) : null;
  }

  #function(name: string, x: Value): Value {
    if (x.kind === 'rational') {
      if (name === 'ln' && x.n === x.d) return ZERO;
      if (name === 'exp' && x.n === 0n) return ONE;
    }
    const argument = this.#ball(x);
    const definition = TRANSCENDENTAL[name];
    if (definition === undefined) throw new Refusal('syntax');
    const result = this.#costly(() => definition(argument));
    const real = isRealValue(argument) && isRealValue(result);
    if (isRealValue(argument) && !real) this.nonreal = true;
    return real ? balls.realPart(result) : result;
  }

  #costly(work: () => balls.Ball): balls.Ball {
    this.#budget.spend(FUNCTION_STEPS);
    return work();
  }

  // Whole numbers

  #real(a: Value): Value {
    if (!isRealValue(a)) throw new Refusal('undefined');
    return a;
  }

  /** Only exact numbers have binomials and remainders. */
  #exact(a: Value): Rational {
    if (a.kind === 'rational') return a;
    return rational(this.#whole(a));
  }

  #floor(a: Value): bigint {
    this.#real(a);
    if (a.kind === 'rational') return rationals.floorRational(a);
    const shift = a.exponent;
    if (balls.magnitude(a) > LIMITS.bits) throw new Refusal('bits');
    const nearest = shift >= 0 ? a.re << BigInt(shift) : (a.re + (1n << BigInt(-shift - 1))) >> BigInt(-shift);
    const order = orderValues(a, rational(nearest));
    if (order === 0) {
      if (sameValue(a, rational(nearest)) !== true) throw new Refusal('precision');
      return nearest;
    }
    return order < 0 ? nearest - 1n : nearest;
  }

  #whole(a: Value): bigint {
    if (a.kind === 'rational') {
      if (a.d !== 1n) throw new Refusal('undefined');
      return a.n;
    }
    const floor = this.#floor(a);
    if (sameValue(a, rational(floor)) !== true) throw new Refusal('undefined');
    return floor;
  }
}

function rationalOrBall(a: Value, b: Rational, budget: Budget): Value {
  return a.kind === 'rational' ? rationals.multiplyRational(a, b, budget) : balls.multiply(a, toBall(b));
}

/** ∞ or -∞. */
function isEndless(node: Node): boolean {
  if (node.kind === 'group') return isEndless(node.inner);
  if (node.kind === 'apply') return node.args.length === 1 && isEndless(node.args[0] as Node);
  return node.kind === 'symbol' && node.name === 'oo';
}
