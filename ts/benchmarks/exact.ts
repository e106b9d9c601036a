import { plainText, withoutEnd } from './plainText.ts';

/**
 * Whether two answers are the same but for how they are written, as BIG-Bench Extra Hard compares them: case, quotes,
 * `$`, bold type, blanks behind commas, a final stop or question mark, brackets around all of it; numbers by value.
 */
export function sameExactly(a: string, b: string): boolean {
  const [left, right] = [normal(a), normal(b)];
  if (left === right) return left !== '';
  return isNumber(left) && isNumber(right) && Number(left) === Number(right);
}

function normal(text: string): string {
  const plain = plainText(text)
    .toLowerCase()
    .replace(/['"`\u2018\u2019\u201c\u201d]/g, '')
    .replace(/ ?, ?/g, ',');
  let rest = withoutEnd(plain, '.? ').trim();
  const list = /^\[([^[\]]*)\]$/.exec(rest);
  if (list !== null) rest = (list[1] as string).trim();
  return /^\(\s*(\S)\s*\)$/.exec(rest)?.[1] ?? rest;
}

function isNumber(text: string): boolean {
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text);
}
