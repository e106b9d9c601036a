/** Digits and signs a number may have; longer ones are compared as text, so that no input makes the arithmetic slow. */
const MAX_LENGTH = 400;

/**
 * The exact value of an integer (`-007`, `1,000`), a decimal (`.50`), or a fraction of those (`1/2`,
 * `-\frac{3}{1.5}`), or a mixed number (`2\frac{1}{3}`: digits before a proper fraction, never a product), as a reduced fraction `n` or `n/d` with d > 1.
 *
 * @param text without spaces; thousands separators are commas between full groups of three digits
 * @returns null when the text is none of these, divides by zero, or is longer than 400 characters
 */
export function canonicalRational(text: string): string | null {
  if (text.length > MAX_LENGTH) return null;
  const mixed = /^([+-]?)(\d+)\\frac\{(\d+)\}\{(\d+)\}$/.exec(text);
  if (mixed !== null) {
    const [whole, top, bottom] = [BigInt(mixed[2] ?? 0), BigInt(mixed[3] ?? 0), BigInt(mixed[4] ?? 0)];
    return top < bottom ? reduced((whole * bottom + top) * (mixed[1] === '-' ? -1n : 1n), bottom) : null;
  }
  const latex = /^([+-]?)\\frac\{([^{}]*)\}\{([^{}]*)\}$/.exec(text);
  const plain = /^([^/]*)(?:\/([^/]*))?$/.exec(text);
  const [sign, top, bottom] = latex ? [latex[1], latex[2], latex[3]] : ['', plain?.[1], plain?.[2] ?? '1'];
  const numerator = decimal(top);
  const denominator = decimal(bottom);
  if (numerator === null || denominator === null || denominator.units === 0n) return null;
  // (u1 / s1) / (u2 / s2) = u1 s2 / (s1 u2)
  return reduced(numerator.units * denominator.scale * (sign === '-' ? -1n : 1n), numerator.scale * denominator.units);
}

/** n / d, d not 0. */
function reduced(n: bigint, d: bigint): string {
  if (d < 0n) return reduced(-n, -d);
  const divisor = gcd(n < 0n ? -n : n, d);
  return d === divisor ? `${n / divisor}` : `${n / divisor}/${d / divisor}`;
}

/** units / scale, scale a power of ten. */
interface Decimal {
  units: bigint;
  scale: bigint;
}

function decimal(text: string | undefined): Decimal | null {
  if (text === undefined) return null;
  const digits = /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/.test(text) ? text.replaceAll(',', '') : text;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(digits);
  if (match === null) return null;
  const [, sign, whole = '', fraction = ''] = match;
  if (whole + fraction === '') return null;
  const units = BigInt(whole + fraction);
  return { units: sign === '-' ? -units : units, scale: 10n ** BigInt(fraction.length) };
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}
