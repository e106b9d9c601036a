import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  EXTRACTION_RULES,
  type ExtractionRule,
  extractAnswer,
  findAnswer,
  MAX_EXTRACTED,
} from '../../../../ts/domain/answers/extract.ts';
import { InvalidArgument } from '../../../../ts/domain/errors.ts';
import { cpuSeconds } from '../cpuSeconds.ts';

describe('boxed', () => {
  test.each([
    ['\\boxed{5}', '5'],
    ['so \\boxed{ \\frac{1}{2} }.', '\\frac{1}{2}'],
    ['\\boxed{1}. No: \\boxed{2}', '2'],
    ['\\boxed{\\boxed{3}}', '3'],
    ['\\boxed{\\boxed{1}, \\boxed{2}}', '1, 2'],
    ['\\boxed{\\{1, 2\\}}', '\\{1, 2\\}'],
    ['\\boxed{[0, 1\\}}', '[0, 1\\}'],
    ['\\boxed{a\\\\}', 'a\\\\'],
    ['\\fbox{7}', '7'],
    ['\\boxed {5}', '5'],
    ['\\boxed\n{5}', '5'],
    ['\\boxed 5', '5'],
    ['$\\boxed 5$.', '5'],
    ['it is \\boxed -3.5.', '-3.5'],
    ['$\\boxed\\frac{1}{2}$', '\\frac{1}{2}'],
    ['\\boxed{1, put it in \\boxed{5}', '5'],
    ['\\boxed{4}, with the answer in \\boxed as asked', '4'],
    ['\\boxedx{1} \\boxed{2}', '2'],
    ['$\\boxed{20}$ percent', '20\\%'],
    ['\\(\\boxed{20}\\%\\)', '20\\%'],
  ])('%s', (text, answer) => {
    expect(extractAnswer(text)).toBe(answer);
  });

  test.each([
    ['\\boxed{1}, \\boxed{2}', '1, 2'],
    ['$\\boxed{1}$ and $\\boxed{2}$', '1, 2'],
    ['$$\\boxed{1} \\quad \\text{or} \\quad \\boxed{2}$$', '1, 2'],
    ['\\(x=\\boxed{1}\\), \\(y=\\boxed{2}\\), and \\(z=\\boxed{3}\\)', '1, 2, 3'],
    ['\\boxed{1}\\boxed{2}', '1, 2'],
    ['\\boxed{35 cm} ++++++ \\boxed{4}', '35 cm, 4'],
    ['\\boxed{3} + \\boxed{4}', '4'],
    ['\\\\boxed{3}, \\\\boxed{4}', '3, 4'],
    ['\\boxed{3} apples and \\boxed{4} pears', '3, 4'],
    ['\\boxed{5}\\boxed{5}', '5'],
    ['First \\boxed{1}. Then \\boxed{2}', '2'],
    ['\\boxed{1}\n\n\\boxed{2}', '2'],
    ['\\boxed{1} = \\boxed{2}', '2'],
  ])('boxes of one sentence are one answer: %s', (text, answer) => {
    expect(extractAnswer(text)).toBe(answer);
  });

  test.each([
    ['no box', 'the answer is 5'],
    ['nothing', ''],
    ['blank box', '\\boxed{ }'],
    ['a blank box after one that is not', '\\boxed{1}, so \\boxed{}'],
    ['cut off', 'first \\boxed{1}, then \\boxed{\\frac{1}{'],
    ['only escaped braces close it', '\\boxed{5\\}'],
    ['a word without braces', 'put it in \\boxed please'],
    ['the macro alone', '\\boxed'],
  ])('is null for: %s', (_, text) => {
    expect(extractAnswer(text)).toBeNull();
  });

  const { balanced } = fc.letrec<{ balanced: string }>((tie) => ({
    balanced: fc
      .array(
        fc.oneof(
          { maxDepth: 4 },
          fc.constantFrom('a', ' ', '1', '\\{', '\\}'),
          tie('balanced').map((t) => `{${t}}`),
        ),
      )
      .map((parts) => parts.join('')),
  }));

  test('returns what was boxed, for any balanced content', () => {
    fc.assert(
      fc.property(balanced, fc.string(), (content, before) => {
        expect(extractAnswer(`${before}\\boxed{${content}}`)).toBe(content.trim() || null);
      }),
    );
  });

  test('text around the last box makes no difference', () => {
    fc.assert(
      fc.property(balanced, fc.stringMatching(/^[a-z .]*$/), (content, words) => {
        expect(extractAnswer(`\\boxed{0}. ${words} \\boxed{${content}}. ${words}`)).toBe(content.trim() || null);
      }),
    );
  });
});

describe('what is not the output', () => {
  const prompt = 'What is 1 + 1? Put it in \\boxed{}, e.g. \\boxed{0}.';

  test('the prompt at the front is cut', () => {
    expect(extractAnswer(`  ${prompt}\nTwo.`, 'boxed', { prompt })).toBeNull();
    expect(extractAnswer(`${prompt}\nSo \\boxed{2}`, 'boxed', { prompt })).toBe('2');
    expect(extractAnswer(`So \\boxed{2}. ${prompt}`, 'boxed', { prompt: 'So' })).toBe('0');
    expect(extractAnswer('\\boxed{5}', 'boxed', { prompt: '5' })).toBe('5');
  });

  test('so is all up to the last mark', () => {
    const text = 'user: \\boxed{1}<|assistant|>\\boxed{2}<|assistant|> Three.';
    expect(extractAnswer(text, 'boxed', { after: '<|assistant|>' })).toBeNull();
    expect(extractAnswer(text, 'boxed', { after: '</think>' })).toBe('2');
  });

  test('only the end of a very long text counts', () => {
    const filler = ' '.repeat(MAX_EXTRACTED);
    expect(extractAnswer(`\\boxed{1}${filler}`)).toBeNull();
    expect(extractAnswer(`${filler}\\boxed{1}`)).toBe('1');
  });
});

describe('boxed-or-text', () => {
  test.each([
    ['The answer is 5. The final answer is 42. I hope it is correct.', '42'],
    ['so he has 3.\n#### 1,234', '1,234'],
    ['**Final Answer:** $\\frac{1}{2}$', '\\frac{1}{2}'],
    ['**Final Answer**\n\n\\[ x^2 + 1 \\]', 'x^2 + 1'],
    ['The answer is $x = 1$ or $x = 2$.', 'x = 1, x = 2'],
    ['<answer>\n7\n</answer>', '7'],
    ['Answer: blue whale', 'blue whale'],
    ['Final Answer: The largest $n$ is 34.', '34'],
    ['The answer is 3.5.', '3.5'],
    ['The answer is 9, but boxed: \\boxed{8}', '8'],
    ['no mark, 5', null],
    ['the answer is 5, so \\boxed{', null],
    ['The answer is', null],
  ])('%s', (text, answer) => {
    expect(extractAnswer(text, 'boxed-or-text')).toBe(answer);
  });
});

describe('choice', () => {
  test.each([
    ['\\boxed{\\text{(B)}}', 'B'],
    ['\\boxed{b}', 'B'],
    ['\\boxed{C. 17}', 'C'],
    ['\\boxed{17}', null],
    ['The answer is (D).', 'D'],
    ['**Answer: A**', 'A'],
    ['The answer is (b), since', 'B'],
    ['The answer is a bit long. Option C', 'C'],
    ['I would say (A), no, (E) it is.', 'E'],
    ['A. Because B is not valid', 'A'],
    ['thinking...\nC', 'C'],
    ['Because B is valid', 'B'],
    ['A cat and I', null],
    ['', null],
  ])('%s', (text, letter) => {
    expect(extractAnswer(text, 'choice')).toBe(letter);
  });
});

describe('last-number', () => {
  test.each([
    ['7 of 12 pay $1,234.50.', '1,234.50'],
    ['about -3', '-3'],
    ['5-3', '3'],
    ['it is 2/3', '2/3'],
    ['50 %', '50%'],
    ['x2 and H2O', null],
    ['none', null],
    ['so \\frac{1}{2}', '\\frac{1}{2}'],
    ['12, 13,', '13'],
  ])('%s', (text, number) => {
    expect(extractAnswer(text, 'last-number')).toBe(number);
  });
});

describe('any', () => {
  test.each([
    '1/2',
    '\\frac{1}{2}',
    '10 cubic inches',
    '\\text{No solution}',
    'No solution',
    'x = 3 or x = 4',
    '(-\\infty, 3) \\cup [4, 5]',
    '\\begin{pmatrix} 1 \\\\\n2 \\end{pmatrix}',
    '\\$331',
    '$1,000.99',
    '28 percent',
    'f(x) = \\begin{cases} 1 & \\text{if } x \\text{ is even} \\\\ 0 & \\text{otherwise, since it is so} \\end{cases}',
    'a*sin(theta) + b*cos(theta) + alpha*beta + gamma*delta + epsilon + zeta + eta',
    Array.from({ length: 300 }, (_, n) => `${n}x^{${n}} \\sin\\left(\\operatorname{lcm}(x, ${n})\\right)`).join(' + '),
    'the set of all real numbers except 0',
    'No solution for $x > 3$',
    'Alice, Bob, Carol, Dave, Eve, Frank, Grace',
  ])('a bare answer is itself: %#', (text) => {
    expect(findAnswer(text, 'any')).toEqual({ step: 'read', answer: text, guess: false });
  });

  test.each([
    ['$\\frac{1}{2}$', '\\frac{1}{2}'],
    ['\\( (9+1) \\).', '(9+1)'],
    ['$x \\text{ is any real number}$', 'x \\text{ is any real number}'],
    ['\\[\n x \\]', 'x'],
    ['\\begin{align*} x &= 5 \\end{align*}', 'x &= 5'],
    ['Therefore $x \\geq 5$ is the solution.', 'x \\geq 5'],
    ['We get $a = 2$ and $b = 3$.', 'a = 2, b = 3'],
    ['so the number is 10 which is 1,000.99m²', '1,000.99m²'],
    ['The matrix is $\\begin{pmatrix}1 & 2\\end{pmatrix}$', '\\begin{pmatrix}1 & 2\\end{pmatrix}'],
    ['It costs $5 and then $7 more, so that is 12 dollars', '12 dollars'],
    ['So we have $f(x) = x^2$ for all $x$.', 'f(x) = x^2'],
    ['Here is a map:\n\n$$x \\to x$$', 'x \\to x'],
    ["it is not 10, it's 1,000.99", '1,000.99'],
    ['\\boxed{200} a month. The final answer is $10,455$. I hope so.', '10,455'],
    ['The final answer is \\boxed{200}, and 3 more.', '200'],
    ['We have 5 apples. They have 7.', '7'],
    ['The answer is \\boxed{5}', '5'],
  ])('%s', (text, answer) => {
    expect(extractAnswer(text, 'any')).toBe(answer);
  });

  test('what merely stands last among sentences is a guess', () => {
    expect(findAnswer('We have 5 apples and they have 7 of them.', 'any')?.guess).toBe(true);
    expect(findAnswer('The answer is 7.', 'any')?.guess).toBe(false);
    expect(findAnswer('Thus the sum is 7.', 'any')?.guess).toBe(false);
  });
});

test("steps of one's own are tried in their order", () => {
  const rule: ExtractionRule = ['mark', 'number'];
  expect(extractAnswer('\\boxed{1}. The answer is 2. Or 3', rule)).toBe('2');
  expect(extractAnswer('\\boxed{1} or 3', rule)).toBe('3');
});

test.each(['box', [], ['box', 'toString']])('%j is no rule', (rule) => {
  expect(() => extractAnswer('', rule as ExtractionRule)).toThrow(InvalidArgument);
  expect(() => extractAnswer('', rule as ExtractionRule)).toThrow(/must be one of boxed, boxed-or-text/);
});

const RULES = Object.keys(EXTRACTION_RULES) as (keyof typeof EXTRACTION_RULES)[];

test('never throws, and never returns a blank', () => {
  const pieces = fc.constantFrom(
    ...['\\boxed{', '\\boxed ', '{', '}', '\\', 'a', '5', ' and ', ', ', '$', '\\[', '\\]', '\n\n', '. '],
    ...['answer is ', '#### ', 'is ', '(B)', '-', '.', 'of the ', '\\begin{align}', '\\end{align}', '\\text{', '%'],
  );
  fc.assert(
    fc.property(fc.array(pieces), fc.constantFrom(...RULES), (parts, rule) => {
      const answer = extractAnswer(parts.join(''), rule);
      expect(answer === null || answer.trim() !== '').toBe(true);
    }),
    { numRuns: 1000 },
  );
});

// A quadratic scan takes seconds at least, a linear one under 50 ms a rule; the bound is far from both.
test.each([
  ...['{', '}', '\\', '\\boxed{', '\\boxed', '\\boxed 1', '\\boxed{1} and ', '\\boxed{1', '\\fbox', '\\{'],
  ...['$', '$ ', '$a$', '$a$, ', '\\[', '\\(', '\\begin{align}', '\n', '\n ', ' ', 'is ', 'is $1$ ', 'answer is '],
  ...['answer is $1$. $2$, ', '$1$, $2$. ', '\\boxed{1}, \\boxed{2}. '],
  ...['answer ', 'answer:', 'final answer ', '####', '#### ', '<answer>', '(A', '(A) ', 'A', 'A ', '\nA', 'ab '],
  ...['1', '1,', '1.', '1/', '-', '- ', '.', '1 ', '1%', '\\frac{1}', '\\frac{', '\\text{', '\\text{a', 'a1 '],
])('a megabyte of %j is read in linear time by every rule', (piece) => {
  const text = piece.repeat(Math.ceil(1e6 / piece.length));
  const seconds = cpuSeconds(() => {
    for (const rule of RULES) extractAnswer(text, rule);
  });
  expect(seconds).toBeLessThan(1);
});
