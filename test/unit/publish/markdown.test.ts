import { expect, test } from '@jest/globals';
import { code, plain, table } from '../../../ts/publish/markdown.ts';

test.each([
  ['a_b*c', 'a\\_b\\*c'],
  ['[x](javascript:alert)', '\\[x\\](javascript:alert)'],
  ['<img src=x>', '\\<img src=x\\>'],
  ['a | b', 'a \\| b'],
  ['two\nlines\u001b[31m', 'two lines \\[31m'],
  ['Qwen/Qwen3-4B-Base', 'Qwen/Qwen3-4B-Base'],
])('plain: %j', (text, expected) => {
  expect(plain(text)).toBe(expected);
});

test.each([
  ['x', '`x`'],
  ['a`b', '``a`b``'],
  ['`a', '`` `a ``'],
  ['a|b', '`a\\|b`'],
])('code: %j', (text, expected) => {
  expect(code(text)).toBe(expected);
});

test('a table of numbers aligns all columns but the first on the right', () => {
  expect(table(['', 'n'], [['a', '1']])).toBe('|  | n |\n| --- | ---: |\n| a | 1 |');
});
