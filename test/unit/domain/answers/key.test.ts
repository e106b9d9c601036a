import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareAnswers } from '../../../../ts/domain/answers/compare.ts';
import { answerKey, classesOf } from '../../../../ts/domain/answers/key.ts';
import { FORMS } from './pairs.ts';

const ALL = FORMS.flatMap(({ equal, different }) => [...equal, ...different].flat());

describe('answerKey', () => {
  test('equal keys are equal answers', () => {
    const byKey = new Map<string, string>();
    for (const answer of ALL) {
      const key = answerKey(answer);
      const other = byKey.get(key) ?? answer;
      expect({ answer, other, equal: compareAnswers(answer, other).equal }).toEqual({ answer, other, equal: true });
      byKey.set(key, other);
    }
  });

  test.each([
    ['x^2+2x+1', '(x+1)^2'],
    ['\\{1,2\\}', '\\{2,1,1\\}'],
    ['y=2x+1', 'y = 1 + 2x'],
    ['2x+2y=4', 'x+y-2=0'],
    ['x>3', '3<x'],
    ['\\sqrt8', '2\\sqrt2'],
    ['\\sqrt{4}', '2'],
  ])('%s and %s share one', (a, b) => {
    expect(answerKey(a)).toBe(answerKey(b));
  });
});

describe('classesOf', () => {
  test('numbers classes by first members; what says nothing has none', () => {
    const answers = ['5', 'x=5', '6', '', '10/2', '$', '\\frac{12}{2}', '\\left(', 'no', '9'.repeat(5000)];
    expect(classesOf(answers)).toEqual([0, 0, 1, -1, 0, -1, 1, -1, 2, -1]);
    expect(classesOf([])).toEqual([]);
  });

  test('two units that differ are not joined by an answer without one', () => {
    expect(classesOf(['5 \\text{ cm}', '5', '5.0', '5 \\text{ m}'])).toEqual([0, 1, 1, 2]);
    expect(classesOf(['5 \\text{ cm}', '5', '5.0', '6 \\text{ m}'])).toEqual([0, 0, 0, 1]);
  });

  test('many different answers', () => {
    const answers = Array.from({ length: 600 }, (_, i) => (i % 2 === 0 ? `\\frac{${i}}{2}` : `${(i - 1) / 2}.0`));
    const classes = classesOf(answers);
    expect(new Set(classes).size).toBe(300);
    expect(classes[2]).toBe(classes[3]);
  });

  const several = fc.array(fc.constantFrom(...ALL), { maxLength: 12 });

  test('no two answers of a class differ, equal keys are one class, and the order does not matter', () => {
    const cases = several.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(
          list.map((_, i) => i),
          { minLength: list.length, maxLength: list.length },
        ),
      ),
    );
    fc.assert(
      fc.property(cases, ([list, order]) => {
        const classes = classesOf(list);
        const shuffled = classesOf(order.map((i) => list[i] as string));
        for (const [i, a] of list.entries()) {
          for (const [j, b] of list.entries()) {
            const together = classes[i] === classes[j] && classes[i] !== -1;
            if (together) expect(compareAnswers(a, b).equal).not.toBe(false);
            if (answerKey(a) === answerKey(b)) expect(classes[i]).toBe(classes[j]);
            const [p, q] = [order.indexOf(i), order.indexOf(j)];
            expect(shuffled[p] === shuffled[q]).toBe(classes[i] === classes[j]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
});
