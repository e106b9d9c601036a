import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { answerKey, sameAnswer } from '../../../ts/domain/answer.ts';
import { cpuSeconds } from './cpuSeconds.ts';

describe('answerKey of numbers', () => {
  test.each([
    [
      '1/2',
      ['0.5', '.50', '2/4', '\\frac{1}{2}', '\\dfrac12', '\\frac 1 2', '-\\frac{1}{-2}', '{1 \\over 2}', '0.5/1'],
    ],
    [
      '5',
      [
        '5',
        ' 5 ',
        '$5$',
        '\\(5\\)',
        '+5',
        '005',
        '5.0',
        '5.',
        '\\$5',
        '\\text{5}',
        '10/2',
        '\\left. 5 \\right.',
        '5\\,',
      ],
    ],
    ['-3/4', ['-3/4', '3/-4', '\u22120.75', '- \\tfrac{3}{4}', '-\\frac{6}{8}']],
    ['1234567', ['1234567', '1,234,567', '1{,}234{,}567', '1\\,234\\,567', '1,\\!234,\\!567', '$1,234,567.00$']],
    ['0', ['0', '-0', '0.000', '0/7', '\\frac{0}{3}']],
    ['7/3', ['2\\frac{1}{3}', '2 \\dfrac13', '7/3']],
    ['50', ['50\\%', '50%', '50 \\%', '50']],
    ['90', ['90^\\circ', '90^{\\circ}', '90°', '90\\degree']],
  ])('%s', (key, forms) => {
    expect(forms.map(answerKey)).toEqual(forms.map(() => key));
  });

  test('compares exactly, beyond what a double holds', () => {
    expect(sameAnswer('9007199254740993', '9007199254740992')).toBe(false);
    expect(sameAnswer('0.1', '0.1000000000000000000001')).toBe(false);
    expect(sameAnswer('0.333333', '1/3')).toBe(false);
    expect(answerKey('100000000000000000000/3')).toBe('100000000000000000000/3');
  });

  test('equals exact arithmetic for any fraction', () => {
    const digits = fc.integer({ min: -1000, max: 1000 });
    const bottom = fc.integer({ min: 1, max: 1000 });
    fc.assert(
      fc.property(digits, bottom, digits, bottom, (a, b, c, d) => {
        // a/b = c/d iff ad = cb.
        expect(sameAnswer(`\\frac{${a}}{${b}}`, `${c}/${d}`)).toBe(a * d === c * b);
      }),
    );
  });
});

describe('answerKey of anything else', () => {
  test.each([
    ['x + 1', 'x+1'],
    ['\\text{Yes}', 'yes'],
    ['\\left(1, \\, 2\\right)', '(1,2)'],
    ['(0.5, 2/4)', '(\\frac12,\\frac{1}{2})'],
    ['\\sqrt2', '\\sqrt{2}'],
    ['x^{2}', 'x^2'],
    ['2\\pi r', '2 \\pi r'],
    ['x \\le 3', 'x \\leqslant 3'],
    ['3\u03c0', '3\\pi'],
    ['Red and Blue', 'red and blue'],
  ])('%s is %s', (a, b) => {
    expect(sameAnswer(a, b)).toBe(true);
  });

  test.each([
    ['a list is no thousand', '1,234', '1, 234'],
    ['blanks keep numbers apart', '1 2', '12'],
    ['blanks keep words apart', 'x y', 'xy'],
    ['units count', '5 cm', '5'],
    ['units differ', '5\\text{ cm}', '5\\text{ m}'],
    ['single letters keep their case', 'A', 'a'],
    ['Greek letters keep their case', '\\Delta', '\\delta'],
    ['percent is not a fraction', '50\\%', '0.5'],
    ['an ellipsis is not a period', '0.333...', '0.333'],
    ['order counts', '(1,2)', '(2,1)'],
    ['intervals', '(0,1)', '(0,1]'],
    ['a product of digits is not a mixed number', '3\\frac{5}{2}', '11/2'],
    ['a line break is not a thin space', '1\\\\,2', '1\\,2'],
    ['division by zero is text', '1/0', '0/0'],
    ['exponents', 'x^{12}', 'x^12'],
    ['roots', '\\sqrt[3]{4}', '\\sqrt{4}'],
    ['None is an answer like any other', 'None', ''],
    ['decoration alone', '$', '.'],
    ['names of Object.prototype', '\\constructor', '\\toString'],
  ])('%s: %s and %s differ', (_, a, b) => {
    expect(sameAnswer(a, b)).toBe(false);
  });
});

describe('answerKey of hostile text', () => {
  const pieces = fc.constantFrom(
    ...[
      '\\',
      '{',
      '}',
      '$',
      '\\text',
      '\\frac',
      '\\left',
      '\\circ',
      '^',
      ',',
      '.',
      '%',
      ' ',
      '\\,',
      '\\!',
      '\\over',
      '/',
    ],
    ...['-', '1', '000', '23', 'x', 'No', '(', ')', '\\{', '\\}', '°', '\u03c0'],
  );

  test('is idempotent, so a stored key can be compared again', () => {
    const check = (text: string): void => expect(answerKey(answerKey(text))).toBe(answerKey(text));
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => check(parts.join(''))),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), check));
  });

  test('takes bounded time', () => {
    for (const piece of [
      '{',
      '}',
      ')',
      '(',
      '\\frac{',
      '\\frac1',
      '\\text{',
      '{\\over',
      '.',
      ',',
      '1,',
      '9',
      '$',
      '%',
      ' ',
      '\\{',
      '1/',
    ]) {
      for (const tail of ['', 'x', '/7']) {
        // The longest that is cleaned at all, and a megabyte.
        for (const length of [4096, 1e6]) {
          const text = piece.repeat(Math.floor(length / piece.length) - 1) + tail;
          // Observed: below 0.04 s. The bound only has to tell that from a hang.
          expect(cpuSeconds(() => answerKey(text))).toBeLessThan(3);
        }
      }
    }
  });

  test('long answers are the same only if they are written the same', () => {
    const long = `x${' + x'.repeat(2000)}`;
    expect(sameAnswer(long, long)).toBe(true);
    expect(sameAnswer(long, long.replaceAll(' ', ''))).toBe(false);
    expect(sameAnswer('1'.repeat(500), `+${'1'.repeat(500)}`)).toBe(false);
  });
});
