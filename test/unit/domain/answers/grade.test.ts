import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { gradeTexts } from '../../../../ts/domain/answers/grade.ts';
import { POLICIES } from '../../../../ts/domain/answers/policy.ts';

const equal = (gold: string, pred: string): boolean | null => gradeTexts(gold, pred).equal;

describe('gradeTexts', () => {
  const FORMS = [
    '\\frac{1}{2}',
    '$\\frac{1}{2}$',
    '\\[\\frac12\\]',
    '\\boxed{1/2}',
    'First $x = 7$, then 3. Thus $\\boxed{0.5}$.',
    'We add 3 and 4. The answer is 0.5. Hope that helps.',
    'so 7, so 3.\n#### 1/2',
  ];

  test.each(FORMS)('either side in any form: %s', (form) => {
    for (const other of FORMS) {
      expect(equal(form, other)).toBe(true);
      expect(equal(form, other.replace(/2(?=[^2]*$)|5(?=[^5]*$)/, '9'))).toBe(false);
    }
  });

  test('a box that lost its brace is mended where nothing else is there, and the policy mends', () => {
    expect(equal('\\frac{6}{7}', '\\boxed{\\frac{6}{7}')).toBe(true);
    expect(gradeTexts('\\frac{6}{7}', '\\boxed{\\frac{6}{7}', { policy: POLICIES.strict }).equal).toBe(false);
    expect(equal('6', '\\\\boxed{6')).toBe(true);
    expect(equal('5', 'So we find \\boxed{5')).toBe(false);
    expect(equal('5', '\\boxed{')).toBe(false);
    expect(equal('5', '\\boxed{}')).toBe(false);
  });

  test('a gold text without an answer decides nothing', () => {
    for (const gold of ['', '  ', '\\boxed{}', 'So it is \\boxed{']) {
      expect(gradeTexts(gold, '5')).toEqual({ equal: null, reason: 'no answer in the gold text' });
    }
  });

  test('a long formula is compared as it stands', () => {
    const terms = (last: number) => [1, 2, 3, 4, 5, last].map((n) => `${n}x^{${n}}\\text{ and so it is }`).join('+');
    expect(equal(terms(6), terms(6))).toBe(true);
    expect(equal(terms(6), '6')).not.toBe(true);
    expect(equal('6', terms(6))).not.toBe(true);
  });

  test('phrases are not what stands last in them', () => {
    expect(equal('all real numbers except 0', '0')).toBe(false);
    expect(equal('no real $x$', '$x$')).toBe(false);
    expect(equal('The map is increasing on (0,5)', 'The map is decreasing on (0,5)')).not.toBe(true);
  });

  test('never throws, whatever the texts and the rule', () => {
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom('\\boxed{', '}', '{', '$', '5', 'is ', '\\frac', 'answer: ', '^', '(', ','), {
        maxLength: 20,
      }),
    );
    const join = (value: string | string[]) => (typeof value === 'string' ? value : value.join(''));
    fc.assert(
      fc.property(text, text, fc.constantFrom('any' as const, 'boxed' as const, 'choice' as const), (a, b, rule) => {
        const verdict = gradeTexts(join(a), join(b), { rule });
        expect([true, false, null]).toContain(verdict.equal);
        expect(verdict.reason).not.toBe('');
      }),
    );
  });
});
