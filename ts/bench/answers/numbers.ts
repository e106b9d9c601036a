import type { Draw, Kind } from './pair.ts';

const gcd = (a: number, b: number): number => (b === 0 ? Math.abs(a) : gcd(b, a % b));

/** n/d in lowest terms with d > 1. */
export function fraction(draw: Draw, top = 60, bottom = 20): [number, number] {
  for (;;) {
    const [n, d] = [draw.nonZero(-top, top), draw.int(2, bottom)];
    if (gcd(n, d) === 1) return [n, d];
  }
}

/** A fraction in one of the ways in which people write it. */
export function writeFraction(draw: Draw, n: number, d: number): string {
  const [sign, top] = [n < 0 ? '-' : '', Math.abs(n)];
  const forms = [
    `${n}/${d}`,
    `${sign}\\frac{${top}}{${d}}`,
    `${sign}\\dfrac{${top}}{${d}}`,
    `${sign}\\tfrac{${top}}{${d}}`,
    `\\frac{${n}}{${d}}`,
    `${sign}\\frac {${top}} {${d}}`,
    `${sign}{${top} \\over ${d}}`,
  ];
  if (top < 10 && d < 10) forms.push(`${sign}\\frac${top}${d}`, `${sign}\\frac${top}{${d}}`);
  return draw.one(forms);
}

function grouped(digits: string, separator: string): string {
  return digits.replace(/\B(?=(?:\d{3})+$)/g, separator);
}

/** A decimal of `places` digits behind the point whose last is not 0. */
function decimal(draw: Draw, places: number): { units: number; text: string } {
  const size = 10 ** places;
  const units = draw.int(1, 400) * size + draw.int(1, size - 1);
  const last = units % 10 === 0 ? units + 1 : units;
  return { units: last, text: `${Math.floor(last / size)}.${String(last % size).padStart(places, '0')}` };
}

const integer: Kind = (draw, equal) => {
  const value = draw.int(-5000, 90_000);
  const other = equal ? value : draw.one([value + 1, value - 1, value * 10 + 1, value === 0 ? 1 : -value]);
  return [`${value}`, draw.one([`${other}`, `{${other}}`, `${other}.0`, `${other}.00`, `\\mathbf{${other}}`])];
};

const thousands: Kind = (draw, equal) => {
  const value = draw.int(1_000_000, 99_999_999);
  const write = (n: number): string => grouped(`${n}`, draw.one([',', '{,}', ',\\!', '\\,', ',\\! ']));
  const other = equal ? value : value + draw.one([1, -1, 1000, 900_000]);
  return [draw.chance() ? `${value}` : write(value), write(other)];
};

const decimalForms: Kind = (draw, equal) => {
  const places = draw.int(1, 4);
  const { units, text } = decimal(draw, places);
  const other = equal ? units : units + draw.one([1, -1, 10, 2 * 10 ** places]);
  const size = 10 ** places;
  const divisor = gcd(other, size);
  const whole = Math.floor(other / size);
  const written = `${whole}.${String(other % size).padStart(places, '0')}`;
  return [text, draw.one([written, `${written}00`, `+${written}`, `\\frac{${other / divisor}}{${size / divisor}}`])];
};

const fractionForms: Kind = (draw, equal) => {
  const [n, d] = fraction(draw);
  if (equal) return [writeFraction(draw, n, d), writeFraction(draw, n, d)];
  const near: [number, number][] = [
    [n + d, d],
    [-n, d],
    [n, d + 1],
  ];
  return [writeFraction(draw, n, d), writeFraction(draw, ...draw.one(near))];
};

const unreduced: Kind = (draw, equal) => {
  const [n, d] = fraction(draw);
  const factor = draw.int(2, 9);
  return [writeFraction(draw, n, d), writeFraction(draw, n * factor + (equal ? 0 : 1), d * factor)];
};

const mixed: Kind = (draw, equal) => {
  const [whole, d] = [draw.int(1, 20), draw.int(2, 12)];
  const n = draw.int(1, d - 1);
  const sign = draw.one(['', '-']);
  const top = whole * d + n + (equal ? 0 : draw.one([1, d]));
  return [`${sign}${whole}\\frac{${n}}{${d}}`, writeFraction(draw, sign === '-' ? -top : top, d)];
};

const repeating: Kind = (draw, equal) => {
  const n = draw.int(1, 8);
  const other = equal ? n : (n % 8) + 1;
  return [`\\frac{${n}}{9}`, `0.\\overline{${other}}`];
};

const scientific: Kind = (draw, equal) => {
  const [mantissa, power] = [`${draw.int(1, 9)}.${draw.int(1, 9)}${draw.int(1, 9)}`, draw.nonZero(-28, 28)];
  const other = equal ? power : power + draw.one([1, -1]);
  const forms = [`${mantissa}\\times 10^{${other}}`, `${mantissa} \\cdot 10^{${other}}`, `${mantissa}e${other}`];
  return [`${mantissa} \\times 10^{${power}}`, draw.one(forms)];
};

const percent: Kind = (draw, equal) => {
  const value = draw.int(1, 400);
  const other = equal ? value : value + draw.one([1, 10]);
  return [`${value}\\%`, draw.one([`${other}%`, `${other} \\%`, `${other} percent`, `${other} \\text{ percent}`])];
};

const radical: Kind = (draw, equal) => {
  const [a, b] = [draw.int(2, 12), draw.one([2, 3, 5, 6, 7, 10, 11, 13])];
  const inside = a * a * b + (equal ? 0 : draw.one([b, -b, 1]));
  const same = [
    `${a} \\sqrt{${b}}`,
    `\\sqrt{${b}} \\cdot ${a}`,
    `${a}\\times ${b}^{1/2}`,
    `\\frac{${a * b}}{\\sqrt{${b}}}`,
  ];
  return [`${a}\\sqrt{${b}}`, equal && draw.chance() ? draw.one(same) : `\\sqrt{${inside}}`];
};

const radicalSum: Kind = (draw, equal) => {
  const [a, b, c] = [draw.nonZero(-9, 9), draw.int(1, 6), draw.one([2, 3, 5, 7, 11])];
  const norm = a * a - b * b * c;
  const [top, shift] = [norm, equal ? 0 : draw.one([1, -1])];
  const forms = [`${b}\\sqrt{${c}}+${a + shift}`, `\\frac{${2 * (a + shift)}+${2 * b}\\sqrt{${c}}}{2}`];
  if (equal) forms.push(`\\frac{${top}}{${a}-${b}\\sqrt{${c}}}`);
  return [`${a}+${b}\\sqrt{${c}}`, draw.one(forms).replaceAll('+-', '-')];
};

const rootN: Kind = (draw, equal) => {
  const [a, b, n] = [draw.int(2, 4), draw.one([2, 3, 5, 6, 7]), draw.int(3, 5)];
  const inside = a ** n * b + (equal ? 0 : 1);
  return [
    `${a}\\sqrt[${n}]{${b}}`,
    equal && draw.chance() ? `${a}\\cdot ${b}^{\\frac{1}{${n}}}` : `\\sqrt[${n}]{${inside}}`,
  ];
};

const piMultiple: Kind = (draw, equal) => {
  const [n, d] = fraction(draw, 40, 12);
  const other = equal ? n : n + draw.one([d, -d, 2 * d]);
  return [
    `\\frac{${n}\\pi}{${d}}`,
    draw.one([`\\frac{${other}}{${d}}\\pi`, `${other}\\pi/${d}`, `\\frac{${other}}{${d}} π`]),
  ];
};

const complex: Kind = (draw, equal) => {
  const [a, b, c, d] = [draw.int(1, 9), draw.int(1, 9), draw.int(1, 9), draw.int(1, 9)];
  const [re, im] = [a * c - b * d, a * d + b * c + (equal ? 0 : draw.one([1, -1, 2]))];
  const sum = `${re}${im < 0 ? '-' : '+'}${Math.abs(im)}i`;
  return [`(${a}+${b}i)(${c}+${d}i)`, draw.one([sum, `${im}i${re < 0 ? '' : '+'}${re}`])];
};

const EXACT = [
  ['\\cos\\frac{\\pi}{4}', '\\frac{\\sqrt{2}}{2}', '\\frac{\\sqrt{3}}{2}'],
  ['\\sin\\frac{\\pi}{3}', '\\frac{\\sqrt3}{2}', '\\frac12'],
  ['\\tan 60^\\circ', '\\sqrt{3}', '\\frac{1}{\\sqrt{3}}'],
  ['\\sin 15^\\circ', '\\frac{\\sqrt6-\\sqrt2}{4}', '\\frac{\\sqrt6+\\sqrt2}{4}'],
  ['\\arctan 1', '\\frac{\\pi}{4}', '\\frac{\\pi}{3}'],
  ['\\ln e^3', '3', 'e^3'],
  ['e^{2\\ln 3}', '9', '6'],
  ['\\cos\\frac{\\pi}{5}', '\\frac{1+\\sqrt5}{4}', '\\frac{\\sqrt5-1}{4}'],
] as const;

const transcendental: Kind = (draw, equal) => {
  const [b, n] = [draw.one([2, 3, 5, 7]), draw.int(2, 6)];
  if (draw.chance()) {
    const [gold, same, other] = draw.one(EXACT);
    return [gold, equal ? same : other];
  }
  const power = b ** n;
  const forms = [`${n + (equal ? 0 : 1)}`, `\\frac{\\ln ${equal ? power : power + 1}}{\\ln ${b}}`];
  return [`\\log_{${b}} ${power}`, draw.one(forms)];
};

const big: Kind = (draw, equal) => {
  const [n, k] = [draw.int(12, 40), draw.int(3, 9)];
  const power = draw.int(300, 1500);
  const shift = equal ? 0n : 1n;
  const factorial = (m: number): bigint => (m <= 1 ? 1n : BigInt(m) * factorial(m - 1));
  const choose = factorial(n) / factorial(k) / factorial(n - k);
  return draw.one([
    [`\\binom{${n}}{${k}}`, `${choose + shift}`],
    [`${k + 5}!`, `${factorial(k + 5) + shift}`],
    [`3^{${n}}`, `${3n ** BigInt(n) + shift}`],
    [`2^{-${power}}`, `\\frac{1}{2^{${power + Number(shift)}}}`],
    [`4^{${power}}`, `2^{${2 * power + Number(shift)}}`],
    [`\\frac{1}{${n + 100}!}`, `\\frac{1}{${n + 100 + 2 * Number(shift)}!}`],
  ] as const);
};

export const NUMBERS: Readonly<Record<string, Kind>> = {
  integer,
  thousands,
  decimal: decimalForms,
  fraction: fractionForms,
  unreduced,
  mixed,
  repeating,
  scientific,
  percent,
  radical,
  'radical sum': radicalSum,
  'nth root': rootN,
  pi: piMultiple,
  complex,
  'log and trig': transcendental,
  'big exact': big,
};
