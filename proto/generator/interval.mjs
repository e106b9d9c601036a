// Intervals in mathematical notation: `[` and `]` include the bound, `(` and `)` do not, `inf` is no bound.

const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/;
const POWER = /^(-?)(\d+)\^(\d+)$/;

/** The number that a text such as `0.5`, `1e-8`, `2^30`, `-inf` stands for, else undefined. */
export function readNumber(text) {
  const power = POWER.exec(text);
  if (power) return (power[1] ? -1 : 1) * Number(power[2]) ** Number(power[3]);
  if (/^-?inf$/.test(text)) return text === 'inf' ? Infinity : -Infinity;
  return NUMBER.test(text) ? Number(text) : undefined;
}

/**
 * Read `[0, 10)` as bounds { ge: 0, lt: 10 }; a bound that does not bind is left out.
 * @param options.whole whether only whole numbers are in it
 * @param options.fail called with what is wrong
 */
export function readInterval(text, { whole, fail }) {
  const refuse = (problem) => fail(`the interval "${text}" ${problem}`);
  const [open, inner, close] = [text[0], text.slice(1, -1), text.at(-1)];
  const parts = inner.split(',').map((part) => part.trim());
  if (parts.length !== 2) refuse(`has ${parts.length} bounds, not 2`);
  const [low, high] = parts.map((part) => {
    const number = readNumber(part);
    if (number === undefined) refuse(`has the bound "${part}" (allowed: 3, -0.5, 1e-8, 2^30, inf, -inf)`);
    return number;
  });
  if (low === -Infinity && open === '[') refuse('includes -inf; write (-inf');
  if (high === Infinity && close === ']') refuse('includes inf; write inf)');
  for (const bound of [low, high]) {
    if (whole && Number.isFinite(bound) && !Number.isSafeInteger(bound)) {
      refuse(`has the bound ${bound}; here it is a whole number of at most 2^53-1`);
    }
  }
  if (!(low < high || (low === high && open === '[' && close === ']'))) refuse('is empty');
  if (whole && high - low === 1 && open === '(' && close === ')') refuse('is empty');
  return {
    ...(low > -Infinity && { [open === '[' ? 'ge' : 'gt']: low }),
    ...(high < Infinity && { [close === ']' ? 'le' : 'lt']: high }),
  };
}

/** A number as source code of TypeScript and Python, large powers of two as such. */
export function literal(value, power) {
  const exponent = Math.log2(Math.abs(value));
  if (exponent < 16 || !Number.isInteger(exponent)) return `${value}`;
  return value < 0 ? `-(2${power}${exponent})` : `2${power}${exponent}`;
}
