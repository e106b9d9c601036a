import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readAnswer } from '../../../../ts/domain/answers/answer.ts';
import { LIMITS } from '../../../../ts/domain/answers/budget.ts';
import { compareAnswers, compareRead, sameAnswer } from '../../../../ts/domain/answers/compare.ts';
import { POLICIES } from '../../../../ts/domain/answers/policy.ts';
import { cpuSeconds } from '../cpuSeconds.ts';
import { HOSTILE } from './hostile.ts';
import { FORMS } from './pairs.ts';

const pairsOf = (row: readonly string[]): [string, string][] =>
  row.flatMap((a, i) => row.slice(i + 1).map((b): [string, string] => [a, b]));

describe.each(FORMS)('$form', ({ equal, different }) => {
  test('equal forms', () => {
    // Some are equal to the first alone: 5 cm and 5 m to 5.
    const wrong = equal.flatMap(([first = '', ...rest]) =>
      rest.filter((other) => compareAnswers(first, other).equal !== true).map((other) => `${first} | ${other}`),
    );
    expect(wrong).toEqual([]);
  });

  test('different forms', () => {
    const verdicts = different.flatMap(pairsOf).map(([a, b]) => ({ pair: `${a} | ${b}`, ...compareAnswers(a, b) }));
    expect(verdicts.filter(({ equal: same }) => same === true)).toEqual([]);
  });

  test('either way round', () => {
    const both = [...equal, ...different].flatMap(pairsOf);
    const wrong = both.filter(([a, b]) => compareAnswers(a, b).equal !== compareAnswers(b, a).equal);
    expect(wrong).toEqual([]);
  });
});

describe('the reason of a verdict', () => {
  test.each([
    ['5', '5', true, 'text'],
    ['5', '5.0', true, 'value'],
    ['\\pi', '3.14159265359', true, 'decimal'],
    ['5', '6', false, 'value'],
    ['50\\%', '0.5', true, 'percent'],
    ['(1,2)', '(1,2]', false, 'bracket'],
    ['(1,2)', '(1,2,3)', false, 'size'],
    ['5 \\text{ cm}', '5\\text{ m}', false, 'unit'],
    ['x=5', 'y=5', false, 'label'],
    ['5', '\\text{five apples}', false, 'kind'],
    ['1000000!', '5', null, 'bits'],
    ['\\sum_{k=1}^{10^9} k', '5', null, 'terms'],
    ['e^{200}+1', '1+1+e^{200}', null, 'precision'],
    ['1/0', '0/0', null, 'undefined'],
    ['\\int_0^1 x dx', '\\int_0^2 x dx', null, 'unsupported'],
    ['\\int_0^1 x dx', '1/2', null, 'unsupported'],
    ['\\lim_{x\\to0} \\frac{\\sin x}{x}', '1', null, 'unsupported'],
    ['\\sum_{k=1}^{\\infty} \\frac{1}{2^k}', '1', null, 'unsupported'],
    ['\\sum_{k=-\\infty}^{0} 2^k', '2', null, 'unsupported'],
    ['\\sum_{k=1}^{\\infty} 2^{-k}', '\\sum_{k=1}^{\\infty} 2^{-k}', true, 'text'],
  ])('%s and %s: %s, %s', (a, b, equal, reason) => {
    expect(compareAnswers(a, b)).toEqual({ equal, reason });
  });
});

test('the reasons of answers that are too long or too deep', () => {
  expect(compareAnswers('5'.repeat(5000), '5')).toEqual({ equal: null, reason: 'characters' });
  expect(compareAnswers(`${'('.repeat(100)}5${')'.repeat(100)}`, '5')).toEqual({ equal: null, reason: 'depth' });
  expect(compareAnswers(','.repeat(4000), '5')).toEqual({ equal: null, reason: 'tokens' });
  expect(compareAnswers('1,'.repeat(100), '5')).toEqual({ equal: null, reason: 'items' });
});

describe('policies', () => {
  test.each([
    ['strict', '50\\%', '50', false],
    ['prm800k', '50\\%', '50', true],
    ['prm800k', '50\\%', '0.5', false],
    ['prm800k', '\\frac{2}{4}', '\\frac12', false],
    ['strict', '\\frac{2}{4}', '\\frac12', true],
    ['strict', '5\\text{ cm}', '5', false],
    ['math-verify', '5\\text{ cm}', '5\\text{ m}', true],
    ['strict', 'x=5', '5', false],
    ['strict', '\\{1,2\\}', '1,2', false],
    ['strict', '(1,2)', 'x=1,y=2', false],
    ['math-verify', '(1,2)', '1,2', true],
    ['strict', 'x>3', '(3,\\infty)', false],
    ['strict', '\\begin{pmatrix}1\\\\2\\end{pmatrix}', '(1,2)', false],
    ['strict', '(B) 17', 'B', false],
    ['strict', '103_5', '103', false],
    ['strict', '\\pi', '3.14159265359', false],
    ['math-verify', '\\pi', '3.14159', true],
    ['strict', '\\frac{1}{2', '\\frac12', false],
  ] as const)('%s: %s and %s', (name, a, b, equal) => {
    expect(sameAnswer(a, b, POLICIES[name])).toBe(equal);
    expect(sameAnswer(b, a, POLICIES[name])).toBe(equal);
  });

  test('ratios by value and labels of no account, where they are asked for', () => {
    expect(sameAnswer('2:14', '6:42')).toBe(false);
    const loose = { ...POLICIES.default, ratioByValue: true, labels: 'ignore' as const };
    expect(sameAnswer('2:14', '6:42', loose)).toBe(true);
    expect(sameAnswer('2:14', '\\frac17', loose)).toBe(true);
    expect(sameAnswer('x=5', 'y=5', loose)).toBe(true);
  });
});

describe('hostile answers', () => {
  const texts = Object.values(HOSTILE).flat();

  test('the counters end every one, and no one is equal to a plain number that it is not', () => {
    for (const text of texts) {
      const [answer, five] = [readAnswer(text, true), readAnswer('5', true)];
      const verdict = compareRead(answer, five, POLICIES.default);
      expect(answer.budget.steps).toBeLessThanOrEqual(LIMITS.steps);
      if (verdict.equal === true) expect(text).toMatch(/5/);
      expect(compareAnswers(text, text).equal).toBe(true);
    }
  });

  test('time and memory stay small', () => {
    const before = process.memoryUsage().heapUsed;
    const seconds = cpuSeconds(() => {
      for (const text of texts) compareAnswers(text, `${text} `.replace('1', '2'));
    });
    expect(seconds / texts.length).toBeLessThan(0.1);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
  });
});

describe('for any text', () => {
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
      '_',
      ',',
      '.',
      '%',
      ' ',
      '\\,',
      '\\!',
      '\\over',
    ],
    ...[
      '/',
      '-',
      '+',
      '=',
      '<',
      '1',
      '000',
      '23',
      'x',
      'e',
      'i',
      'No',
      '(',
      ')',
      '[',
      ']',
      '\\{',
      '\\}',
      '|',
      '!',
      '°',
      'π',
    ],
    ...[
      '\\sqrt',
      '\\pi',
      '\\sin',
      '\\log',
      '\\pm',
      '\\cup',
      '\\infty',
      '\\begin{pmatrix}',
      '\\end{pmatrix}',
      '&',
      '\\\\',
    ],
    ...[':', ';', ' and ', ' cm', '\\$', '\\binom', '\\sum_{k=1}^{3}', '\\overline', '...', '\\in', '\\pmod'],
  );
  const texts = fc.oneof(
    fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
  );

  test('an answer is equal to itself, and no verdict depends on the order', () => {
    fc.assert(
      fc.property(texts, texts, (a, b) => {
        expect(compareAnswers(a, a).equal).toBe(true);
        expect(compareAnswers(a, b).equal).toBe(compareAnswers(b, a).equal);
      }),
      { numRuns: 1500 },
    );
  });
});
