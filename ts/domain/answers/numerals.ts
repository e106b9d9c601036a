import { Refusal } from './budget.ts';
import { gcd } from './rational.ts';
import { apply, integer, type Node, type NumberNode } from './tree.ts';

const BASE_NAMES = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');

/** The number of a token: digits, perhaps with a point and an exponent (`1.5e-9`). */
export function numberNode(text: string): Node {
  const [mantissa = '', exponent] = text.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = whole + fraction;
  if (digits === '') throw new Refusal('syntax');
  const units = BigInt(digits);
  const scale = 10n ** BigInt(fraction.length);
  const common = gcd(units, scale);
  const number: NumberNode = {
    kind: 'number',
    value: { kind: 'rational', n: common === 0n ? 0n : units / common, d: common === 0n ? 1n : scale / common },
    places: fraction.length,
    digits: significant(digits),
  };
  if (exponent === undefined) return number;
  const power = apply('power', integer(10), integer(BigInt(exponent)));
  return apply('multiply', number, power);
}

/** whole + top/bottom, if these are the parts of a mixed number: a proper fraction of plain integers; else null. */
export function mixedNumber(whole: NumberNode, top: Node | undefined, bottom: Node | undefined): NumberNode | null {
  if (top?.kind !== 'number' || bottom?.kind !== 'number' || top.places > 0 || bottom.places > 0) return null;
  const [n, d] = [top.value.n, bottom.value.n];
  if (n >= d || n === 0n) return null;
  const sum = whole.value.n * d + n;
  const common = gcd(sum, d);
  return { kind: 'number', value: { kind: 'rational', n: sum / common, d: d / common }, places: 0, digits: 0 };
}

/** 0.1 followed by 6 for ever: 1/6. `before` has a point, perhaps nothing behind it. */
export function repeatingNumber(before: string, period: string): NumberNode {
  if (!before.includes('.') || !/^[0-9]+$/.test(period)) throw new Refusal('syntax');
  const [whole = '', fraction = ''] = before.split('.');
  const shift = 10n ** BigInt(fraction.length);
  const nines = 10n ** BigInt(period.length) - 1n;
  const n = BigInt(whole + fraction) * nines + BigInt(period);
  const d = shift * nines;
  const common = gcd(n, d);
  return { kind: 'number', value: { kind: 'rational', n: n / common, d: d / common }, places: 0, digits: 0 };
}

/** 103_5. @throws Refusal `syntax` where the base or a digit is none */
export function basedNumber(digits: string, name: string): Node {
  const words = BASE_NAMES.indexOf(name.trim().toLowerCase());
  const base = words > 1 ? words : /^[0-9]{1,2}$/.test(name) ? Number(name) : 0;
  if (base < 2 || base > 36 || [...digits].some((digit) => Number(digit) >= base)) throw new Refusal('syntax');
  return { kind: 'based', digits, base };
}

/** Significant digits: without leading zeros. */
function significant(digits: string): number {
  let start = 0;
  while (start < digits.length - 1 && digits[start] === '0') start++;
  return digits.length - start;
}
