import { writeFraction } from './numbers.ts';
import type { Draw, Kind } from './pair.ts';

/** A sum of terms with their signs: ['3x^2', '-2x', '5'] -> '3x^2-2x+5'. */
const sum = (terms: readonly string[]): string => terms.join('+').replaceAll('+-', '-');

/** `c x^n` as a term of a sum. */
function term(c: number, x: string, n: number): string {
  if (n === 0) return `${c}`;
  const factor = c === 1 ? '' : c === -1 ? '-' : `${c}`;
  return `${factor}${x}${n === 1 ? '' : n > 9 ? `^{${n}}` : `^${n}`}`;
}

const coefficients = (draw: Draw, degree: number): number[] =>
  Array.from({ length: degree + 1 }, () => draw.nonZero(-9, 9));

/** With one coefficient changed. */
function changed(draw: Draw, values: readonly number[]): number[] {
  const at = draw.int(0, values.length - 1);
  return values.map((value, index) => (index === at ? value + draw.one([1, -1, 10]) : value));
}

function polynomial(values: readonly number[], x: string): string[] {
  return values.map((c, n) => (c === 0 ? '' : term(c, x, n))).filter((text) => text !== '');
}

const termOrder: Kind = (draw, equal) => {
  const x = draw.one(['x', 't', 'n', 'a']);
  const values = coefficients(draw, draw.int(2, 5));
  const gold = sum(polynomial(values, x).reverse());
  return [gold, sum(draw.shuffled(polynomial(equal ? values : changed(draw, values), x)))];
};

const factored: Kind = (draw, equal) => {
  const [a, b, c] = [draw.nonZero(-9, 9), draw.nonZero(-9, 9), draw.int(1, 5)];
  const values = [c * a * b, c * (a + b), c];
  const product = `${c === 1 ? '' : c}(x${a < 0 ? a : `+${a}`})(x${b < 0 ? b : `+${b}`})`;
  return [product, sum(polynomial(equal ? values : changed(draw, values), 'x').reverse()) || '0'];
};

const severalVariables: Kind = (draw, equal) => {
  const [x, y] = draw.one([
    ['x', 'y'],
    ['p', 'q'],
    ['m', 'n'],
  ] as const);
  const [a, b] = [draw.int(2, 9), draw.int(2, 9)];
  const middle = 2 * a * b + (equal ? 0 : draw.one([1, -1, a]));
  return [`(${a}${x}+${b}${y})^2`, `${a * a}${x}^2+${middle}${x}${y}+${b * b}${y}^2`];
};

const rationalFunction: Kind = (draw, equal) => {
  const [a, b] = [draw.int(1, 9), draw.int(10, 20)];
  const shift = equal ? 0 : draw.one([1, -1]);
  const forms = [
    [`\\frac{x+${a}}{x-${b}}`, `1+\\frac{${a + b + shift}}{x-${b}}`],
    [`\\frac{1}{x+${a}}-\\frac{1}{x+${b}}`, `\\frac{${b - a + shift}}{(x+${a})(x+${b})}`],
    [`\\frac{${a}x}{${a}x+${a * b}}`, `\\frac{x}{x+${b + shift}}`],
  ] as const;
  return draw.one(forms);
};

const IDENTITIES = [
  ['\\sin 2x', '2\\sin x\\cos x', '2\\sin x'],
  ['\\cos^2 x', '1-\\sin^2 x', '1+\\sin^2 x'],
  ['a^3-b^3', '(a-b)(a^2+ab+b^2)', '(a-b)(a^2-ab+b^2)'],
  ['(n+1)!', '(n+1) n!', 'n \\cdot n!'],
  ['\\frac{1}{\\sqrt{n}}', '\\frac{\\sqrt{n}}{n}', '\\sqrt{n}'],
  ['2^{n+1}', '2\\cdot 2^n', '4^n'],
  ['|x-2|', '|2-x|', 'x-2'],
  ['\\frac{n(n+1)}{2}', '\\binom{n+1}{2}', '\\binom{n}{2}'],
  ['e^{x+y}', 'e^x e^y', 'e^x+e^y'],
  ['\\tan x', '\\frac{\\sin x}{\\cos x}', '\\frac{\\cos x}{\\sin x}'],
] as const;

const identity: Kind = (draw, equal) => {
  const [gold, same, other] = draw.one(IDENTITIES);
  return [gold, equal ? same : other];
};

const line: Kind = (draw, equal) => {
  const [a, b, factor] = [draw.int(2, 9), draw.nonZero(-12, 12), draw.int(2, 5)];
  const shift = equal ? 0 : draw.one([1, -1, factor]);
  const forms = [
    `${sum([`${factor * a}x`, `-${factor}y`, `${factor * b + shift}`])}=0`,
    `${sum([`${a}x`, `${b + shift}`])}=y`,
    `${factor}y=${sum([`${factor * a}x`, `${factor * b + shift}`])}`,
  ];
  return [`y=${sum([`${a}x`, `${b}`])}`, draw.one(forms)];
};

const assignment: Kind = (draw, equal) => {
  const [n, d] = [draw.nonZero(-60, 60), draw.int(2, 9)];
  const label = draw.one(['x', 'k', 'S', 'f(x)', 'a_5', '\\theta', 'P(A)']);
  const other = equal ? n : n + draw.one([d, -d]);
  return [writeFraction(draw, n, d), `${label} = ${writeFraction(draw, other, d)}`];
};

const inequality: Kind = (draw, equal) => {
  const [x, a] = [draw.one(['x', 'm', 'k']), draw.int(-30, 30)];
  const [gold, flipped, negated, wrong] = draw.one([
    ['<', '>', '>', '\\leq'],
    ['\\geq', '\\le', '\\leqslant', '>'],
    ['>', '<', '<', '<'],
    ['\\le', '\\geqslant', '\\ge', '\\ge'],
  ] as const);
  if (!equal) return [`${x} ${gold} ${a}`, draw.chance() ? `${x} ${wrong} ${a}` : `${x} ${gold} ${a + 1}`];
  return [`${x} ${gold} ${a}`, draw.one([`${a} ${flipped} ${x}`, `-${x} ${negated} ${-a}`, `${x}${gold} ${a}`])];
};

const summation: Kind = (draw, equal) => {
  const n = draw.int(5, 30);
  return [`${(n * (n + 1)) / 2 + (equal ? 0 : draw.one([1, n]))}`, `\\sum_{k=1}^{${n}} k`];
};

const arithmetic: Kind = (draw, equal) => {
  const [a, b, c] = [draw.int(2, 40), draw.int(2, 40), draw.int(1, 60)];
  return [
    `${a * b + c + (equal ? 0 : draw.one([1, -1]))}`,
    draw.one([`${a}\\cdot ${b}+${c}`, `${a} \\times ${b} + ${c}`]),
  ];
};

export const ALGEBRA: Readonly<Record<string, Kind>> = {
  'term order': termOrder,
  factored,
  'several variables': severalVariables,
  'rational function': rationalFunction,
  identity,
  line,
  assignment,
  inequality,
  sum: summation,
  arithmetic,
};
