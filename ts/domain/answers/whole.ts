import { type Budget, LIMITS, Refusal } from './budget.ts';
import {
  addRational,
  bitLength,
  divideRational,
  floorRational,
  multiplicationCost,
  multiplyRational,
  negateRational,
  type Rational,
  rational,
} from './rational.ts';

/** n! with a larger n has more bits than are kept. */
const MAX_FACTORIAL = 3200n;

/** More factors than a binomial of a fraction is worth. */
const MAX_FALLING = 64n;

/** n!, or n!! for step 2. @throws Refusal `undefined` below 0, `bits` for a large n */
export function factorial(n: bigint, step: 1n | 2n, budget: Budget): Rational {
  if (n < 0n) throw new Refusal('undefined');
  if (n > MAX_FACTORIAL * step) throw new Refusal('bits');
  return rational(rangeProduct(step === 2n && n % 2n === 0n ? 2n : 1n, n, step, budget));
}

/** n (n-1) ... (n-k+1) / k! for any rational n; 0 for k < 0. */
export function binomial(n: Rational, k: bigint, budget: Budget): Rational {
  if (k < 0n) return rational(0n);
  if (n.d !== 1n) return fallingFactorial(n, k, budget);
  if (n.n >= 0n && k > n.n) return rational(0n);
  const least = n.n >= 0n && n.n - k < k ? n.n - k : k;
  if (least > MAX_FACTORIAL || Number(least) * bitLength(n.n) > 4 * LIMITS.bits) throw new Refusal('bits');
  return rational(rangeProduct(n.n - least + 1n, n.n, 1n, budget) / rangeProduct(1n, least, 1n, budget));
}

function fallingFactorial(n: Rational, k: bigint, budget: Budget): Rational {
  if (k > MAX_FALLING) throw new Refusal('undefined');
  let product = rational(1n);
  for (let j = 0n; j < k; j++) {
    const factor = divideRational(addRational(n, rational(-j), budget), rational(j + 1n), budget);
    product = multiplyRational(product, factor, budget);
  }
  return product;
}

/** a - floor(a / b) b. */
export function remainder(a: Rational, b: Rational, budget: Budget): Rational {
  if (b.n === 0n) throw new Refusal('undefined');
  const quotient = rational(floorRational(divideRational(a, b, budget)));
  return addRational(a, negateRational(multiplyRational(quotient, b, budget)), budget);
}

/** low (low + step) ... high, by halves, so that the factors stay of one size. */
function rangeProduct(low: bigint, high: bigint, step: bigint, budget: Budget): bigint {
  if (low > high) return 1n;
  const count = (high - low) / step;
  if (count < 8n) {
    let product = 1n;
    for (let k = low; k <= high; k += step) product *= k;
    budget.spend(1);
    return product;
  }
  const middle = low + (count / 2n) * step;
  const [left, right] = [rangeProduct(low, middle, step, budget), rangeProduct(middle + step, high, step, budget)];
  budget.spend(multiplicationCost(bitLength(left)));
  return left * right;
}
