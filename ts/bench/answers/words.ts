import type { Kind } from './pair.ts';

const units: Kind = (draw, equal) => {
  const [value, unit] = [draw.int(2, 400), draw.one(['cm', 'feet', 'miles', 'seconds', 'square meters', 'students'])];
  const other = equal ? value : value + draw.one([1, 10, 1000]);
  return [
    `${value}`,
    draw.one([
      `${other} \\text{ ${unit}}`,
      `${other}\\,\\mathrm{${unit}}`,
      `${other} ${unit}`,
      `${other}~\\text{${unit}}`,
    ]),
  ];
};

const currency: Kind = (draw, equal) => {
  const value = draw.int(1, 900);
  const other = equal ? value : value + draw.one([1, 100]);
  return [`\\$${value}`, draw.one([`\\$${other}`, `${other}`, `${other} \\text{ dollars}`, `\\$${other}.00`])];
};

const degrees: Kind = (draw, equal) => {
  const value = draw.int(1, 359);
  const other = equal ? value : value + 1;
  return [
    `${value}^\\circ`,
    draw.one([`${other}^{\\circ}`, `${other}°`, `${other} \\text{ degrees}`, `${other}^ \\circ`]),
  ];
};

const WORDS = ['Tuesday', 'ellipse', 'even', 'Alice', 'no solution', 'isosceles', 'red', 'hyperbola', 'not enough'];

const text: Kind = (draw, equal) => {
  const [word, wrong] = draw.shuffled(WORDS) as [string, string];
  const other = equal ? word : wrong;
  return [
    `\\text{${word}}`,
    draw.one([other, `\\text{${other}}`, `\\textbf{${other}}`, other.toLowerCase(), `\\mathrm{${other}}`]),
  ];
};

const choice: Kind = (draw, equal) => {
  const [letter, wrong] = draw.shuffled(['A', 'B', 'C', 'D', 'E']) as [string, string];
  const other = equal ? letter : wrong;
  return [letter, draw.one([`(${other})`, `\\text{${other}}`, `\\textbf{(${other})}`, `\\text{(${other})}`, other])];
};

const time: Kind = (draw, equal) => {
  const [hours, minutes] = [draw.int(1, 12), draw.int(10, 58)];
  const other = equal ? minutes : minutes + 1;
  return [`${hours}:${minutes}`, draw.one([`${hours} : ${other}`, `${hours}:${other}`])];
};

const base: Kind = (draw, equal) => {
  const [n, b] = [draw.int(30, 600), draw.int(3, 8)];
  const digits = n.toString(b);
  const other = equal ? digits : (n + 1).toString(b);
  return [`${digits}_${b}`, draw.one([`${other}_{${b}}`, `${other}_${b}`])];
};

const infinite: Kind = (draw, equal) => {
  const rows = [
    ['\\infty', '+\\infty', '-\\infty'],
    ['\\emptyset', '\\varnothing', '0'],
    ['\\mathbb{R}', '(-\\infty,\\infty)', '(0,\\infty)'],
    ['-\\infty', '-∞', '\\infty'],
  ] as const;
  const [gold, same, other] = draw.one(rows);
  return [gold, equal ? same : other];
};

const unicode: Kind = (draw, equal) => {
  const n = draw.int(2, 90);
  const other = equal ? n : n + 1;
  return draw.one([
    [`-${n}`, `−${other}`],
    [`\\sqrt{${n}}`, `√${other}`],
    [`${n}\\pi`, `${other}π`],
    [`x^2+${n}`, `x²+${other}`],
    [`${n}\\times 7`, `${other}×7`],
    [`x\\leq ${n}`, `x ≤ ${other}`],
  ] as const);
};

/** LaTeX that TeX reads and people write in haste. */
const hasty: Kind = (draw, equal) => {
  const [n, d] = [draw.int(1, 9), draw.int(2, 9)];
  const other = equal ? n : (n % 9) + 1;
  return draw.one([
    [`\\frac{${n}}{${d}}`, `\\frac${other}${d}`],
    [`\\sqrt{${n}}`, `\\sqrt${other}`],
    [`x^{${n}}`, `x^${other}`],
    [`\\frac{${n}}{${d}}`, `{\\frac{${other}}{${d}}}`],
    [`${n}`, `\\left(${other}\\right)`],
    [`${n}`, `${other}\\\\`],
  ] as const);
};

const period: Kind = (draw, equal) => {
  const n = draw.int(2, 900);
  const other = equal ? n : n + 1;
  return draw.one([
    [`${n}`, `${other}.`],
    [`${n}\\pi`, `${other}\\pi.`],
    [`\\frac{${n}}{7}`, `\\frac{${other}}{7}.`],
  ] as const);
};

/** As whole texts have it: math environments, boxes, sentences. */
const wrapped: Kind = (draw, equal) => {
  const [n, d] = [draw.int(1, 90), draw.one([7, 11, 13, 17, 19])];
  const other = `\\frac{${equal ? n : n + 1}}{${d}}`;
  const forms = [
    `$${other}$`,
    `\\(${other}\\)`,
    `\\[ ${other} \\]`,
    `\\boxed{${other}}`,
    `First we have $x = ${n + 5}$. So the answer is $\\boxed{${other}}$.`,
    `Then $5+${n}$ is odd.\n\nThe answer is $${other}$.`,
  ];
  return [`\\frac{${n}}{${d}}`, draw.one(forms)];
};

export const WORDED: Readonly<Record<string, Kind>> = {
  units,
  currency,
  degrees,
  text,
  choice,
  time,
  base,
  infinite,
  unicode,
  hasty,
  period,
  wrapped,
};
