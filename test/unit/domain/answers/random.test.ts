import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareAnswers, sameAnswer } from '../../../../ts/domain/answers/compare.ts';

/** A random expression with a value that is known beside it. */
interface Tree {
  op: '+' | '-' | '*' | '/' | '^' | 'leaf';
  left?: Tree;
  right?: Tree;
  leaf?: string;
}

const leaf = fc.oneof(
  fc.integer({ min: 1, max: 30 }).map(String),
  fc.constantFrom('x', 'y', 'n', '\\pi', '\\sqrt{2}', '\\sqrt{3}', 'i', 'e'),
);

const tree: fc.Arbitrary<Tree> = fc.letrec<{ node: Tree; leaf: Tree }>((tie) => ({
  leaf: leaf.map((text) => ({ op: 'leaf', leaf: text })),
  node: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    tie('leaf'),
    fc.record({ op: fc.constantFrom('+', '-', '*', '/'), left: tie('node'), right: tie('node') }) as fc.Arbitrary<Tree>,
    fc.record({
      op: fc.constant('^' as const),
      left: tie('leaf'),
      right: fc.constantFrom('2', '3').map((n): Tree => ({ op: 'leaf', leaf: n })),
    }),
  ),
})).node;

/** One way to write it: plain, all brackets drawn. */
function plain(t: Tree): string {
  if (t.op === 'leaf' || t.left === undefined || t.right === undefined) return t.leaf ?? '';
  if (t.op === '/') return `\\frac{${plain(t.left)}}{${plain(t.right)}}`;
  if (t.op === '^') return `(${plain(t.left)})^{${plain(t.right)}}`;
  return `(${plain(t.left)})${t.op === '*' ? '\\cdot' : t.op}(${plain(t.right)})`;
}

/** Another: operands exchanged where that changes nothing, squares written out, other signs and spaces. */
function other(t: Tree): string {
  if (t.op === 'leaf' || t.left === undefined || t.right === undefined)
    return /^[0-9]+$/.test(t.leaf ?? '') ? `${t.leaf}.0` : (t.leaf ?? '');
  const [l, r] = [other(t.left), other(t.right)];
  switch (t.op) {
    case '+':
      return `\\left(${r}\\right) + \\left(${l}\\right)`;
    case '-':
      return `-\\left(\\left(${r}\\right) - (${l})\\right)`;
    case '*':
      return `${'\\left('}${r}\\right) \\left(${l}\\right)`;
    case '/':
      return `\\left(${l}\\right)\\, / \\,\\left(${r}\\right)`;
    default:
      return t.right.leaf === '2' ? `(${l})\\times(${l})` : `(${l})(${l})(${l})`;
  }
}

const harmless = fc.constantFrom<(text: string) => string>(
  (text) => `$${text}$`,
  (text) => ` ${text} `,
  (text) => `\\(${text}\\)`,
  (text) => `\\boxed{${text}}`,
  (text) => `${text}.`,
  (text) => `{${text}}`,
  (text) => `\\displaystyle ${text}`,
  (text) => `\\left(${text}\\right)`,
  (text) => text.replaceAll('\\frac', '\\dfrac'),
  (text) => text.replaceAll('(', '\\left(').replaceAll(')', '\\right)'),
  (text) => text.replaceAll('+', ' + ').replaceAll('-', '\u2212'),
  (text) => text.replaceAll('\\cdot', '\\times '),
  (text) => text.replaceAll(')', '\\,)'),
  (text) => text.replaceAll('\\pi', 'π').replaceAll('\\sqrt{2}', '√2'),
);

describe('random expressions', () => {
  test('two renderings of one tree are never different', () => {
    let equal = 0;
    fc.assert(
      fc.property(tree, (t) => {
        const verdict = compareAnswers(plain(t), other(t));
        // 1/(x - x) has no value, and is then undecided.
        if (verdict.equal === null) expect(['undefined', 'precision']).toContain(verdict.reason);
        else expect(verdict.equal).toBe(true);
        if (verdict.equal) equal++;
      }),
      { numRuns: 400 },
    );
    expect(equal).toBeGreaterThan(300);
  });

  test('one that is changed in value is never equal', () => {
    fc.assert(
      fc.property(tree, fc.constantFrom('+1', '-\\frac{1}{1000}', '+10^{-20}', '+x', '+\\pi'), (t, change) => {
        expect(compareAnswers(plain(t), `${other(t)}${change}`).equal).not.toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('harmless LaTeX and blanks change no verdict', () => {
    fc.assert(
      fc.property(tree, tree, harmless, (s, t, dress) => {
        const [a, b] = [plain(s), plain(t)];
        expect(compareAnswers(a, dress(b)).equal).toBe(compareAnswers(a, b).equal);
      }),
      { numRuns: 300 },
    );
  });
});

describe('numbers', () => {
  const digits = fc.integer({ min: -1000, max: 1000 });
  const bottom = fc.integer({ min: 1, max: 1000 });

  test('equality of fractions is exact arithmetic', () => {
    fc.assert(
      fc.property(digits, bottom, digits, bottom, (a, b, c, d) => {
        // a/b = c/d iff ad = cb.
        expect(sameAnswer(`\\frac{${a}}{${b}}`, `${c}/${d}`)).toBe(a * d === c * b);
      }),
    );
  });

  test('powers of integers are exact', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 99 }),
        fc.integer({ min: 2, max: 400 }),
        fc.integer({ min: -2, max: 2 }),
        (a, n, off) => {
          expect(sameAnswer(`${a}^{${n}}`, `${BigInt(a) ** BigInt(n) + BigInt(off)}`)).toBe(off === 0);
        },
      ),
    );
  });

  test('sums of square roots are equal only if their parts are', () => {
    const part = fc.integer({ min: 2, max: 50 });
    fc.assert(
      fc.property(part, part, part, part, (a, b, c, d) => {
        const same = Math.abs(Math.sqrt(a) + Math.sqrt(b) - Math.sqrt(c) - Math.sqrt(d)) < 1e-9;
        expect(sameAnswer(`\\sqrt{${a}}+\\sqrt{${b}}`, `\\sqrt{${d}}+\\sqrt{${c}}`)).toBe(same);
      }),
    );
  });

  test('sets are equal iff their members are, in any order', () => {
    const members = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 6 });
    fc.assert(
      fc.property(members, members, (a, b) => {
        const same = JSON.stringify([...new Set(a)].sort()) === JSON.stringify([...new Set(b)].sort());
        expect(
          sameAnswer(`\\{${a.join(',')}\\}`, `\\left\\{${b.map((x) => `\\frac{${2 * x}}{2}`).join(', ')}\\right\\}`),
        ).toBe(same);
      }),
    );
  });
});
