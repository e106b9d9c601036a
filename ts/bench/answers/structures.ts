import { fraction, writeFraction } from './numbers.ts';
import type { Draw, Kind } from './pair.ts';

/** Fractions, no two the same. */
function members(draw: Draw, count: number): [number, number][] {
  return draw.distinct(count, -30, 30).map((n) => [2 * n + 1, 2]);
}

const written = (draw: Draw, values: readonly [number, number][]): string[] =>
  values.map(([n, d]) => writeFraction(draw, n, d));

/** With one of them another that is not among them. */
function replaced(draw: Draw, values: readonly [number, number][]): [number, number][] {
  const at = draw.int(0, values.length - 1);
  return values.map((value, index) => (index === at ? [value[0] + 200, value[1]] : value));
}

const tuple: Kind = (draw, equal) => {
  const values = members(draw, draw.int(2, 4));
  const [first, second, ...rest] = values as [[number, number], [number, number]];
  const others = equal ? values : draw.chance() ? [second, first, ...rest] : replaced(draw, values);
  const join = (texts: string[]): string => draw.one([`(${texts.join(',')})`, `\\left(${texts.join(', ')}\\right)`]);
  return [join(written(draw, values)), join(written(draw, others))];
};

const set: Kind = (draw, equal) => {
  const values = members(draw, draw.int(2, 5));
  const join = (texts: string[]): string =>
    draw.one([`\\{${texts.join(',')}\\}`, `\\left\\{${texts.join(', ')}\\right\\}`]);
  return [join(written(draw, values)), join(written(draw, draw.shuffled(equal ? values : replaced(draw, values))))];
};

const list: Kind = (draw, equal) => {
  const values = members(draw, draw.int(2, 4));
  const others = written(draw, draw.shuffled(equal ? values : replaced(draw, values)));
  const last = others.pop();
  const joint = draw.one([', ', ' \\text{ and } ', ' \\text{ or } ', ' and ', ', and ']);
  return [written(draw, values).join(', '), `${others.join(', ')}${joint}${last}`];
};

const interval: Kind = (draw, equal) => {
  const [a, b] = [fraction(draw, 10, 9), draw.int(11, 30)];
  const [open, close] = [draw.one(['(', '[']), draw.one([')', ']'])];
  const wrong = draw.one([
    [open === '(' ? '[' : '(', close, b],
    [open, close === ')' ? ']' : ')', b],
    [open, close, b + 1],
  ] as const);
  const [left, right, end] = equal ? [open, close, b] : wrong;
  const sized = draw.chance() ? ['\\left', '\\right'] : ['', ''];
  return [
    `${open}${writeFraction(draw, ...a)},${b}${close}`,
    `${sized[0]}${left}${writeFraction(draw, ...a)}, ${end}${sized[1]}${right}`,
  ];
};

const union: Kind = (draw, equal) => {
  const [a, b, c] = [draw.int(-9, -1), draw.int(0, 5), draw.int(6, 12)];
  const right = equal ? `(${b},${c}]` : draw.one([`(${b},${c})`, `[${b},${c}]`, `(${b},${c + 1}]`]);
  return [
    `(-\\infty,${a}) \\cup (${b},${c}]`,
    draw.chance() ? `${right}\\cup(-\\infty, ${a})` : `(-\\infty,${a})\\cup ${right}`,
  ];
};

const matrix: Kind = (draw, equal) => {
  const [rows, columns] = [draw.int(1, 3), draw.int(2, 3)];
  const values = Array.from({ length: rows * columns }, () => fraction(draw, 9, 5));
  const others = equal ? values : replaced(draw, values);
  const write = (entries: [number, number][], name: string, gap: string): string => {
    const texts = written(draw, entries);
    const lines = Array.from({ length: rows }, (_, row) => texts.slice(row * columns, (row + 1) * columns).join(gap));
    return `\\begin{${name}} ${lines.join(' \\\\ ')} \\end{${name}}`;
  };
  return [write(values, 'pmatrix', ' & '), write(others, draw.one(['pmatrix', 'bmatrix']), '&')];
};

const plusMinus: Kind = (draw, equal) => {
  const [a, b, c] = [draw.int(1, 9), draw.int(2, 9), draw.one([2, 3, 5, 7])];
  const other = equal ? b : b + 1;
  const forms = [`${a}+${other}\\sqrt{${c}}, ${a}-${other}\\sqrt{${c}}`, `x = ${a}\\pm ${other}\\sqrt{${c}}`];
  if (!equal) forms.push(`${a}+${b}\\sqrt{${c}}`);
  return [`${a} \\pm ${b}\\sqrt{${c}}`, draw.one(forms)];
};

export const STRUCTURES: Readonly<Record<string, Kind>> = {
  tuple,
  set,
  list,
  interval,
  union,
  matrix,
  'plus-minus': plusMinus,
};
