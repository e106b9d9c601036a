import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { holm } from '../../../ts/domain/holm.ts';

const chances = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 });

describe('holm', () => {
  // By hand: sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 is 0.04, 0.06, 0.06, 0.04, and none below the one before.
  test('is the step-down procedure', () => {
    expect(holm([0.04, 0.01, 0.03, 0.02]).map((value) => Number(value.toFixed(10)))).toEqual([0.06, 0.04, 0.06, 0.06]);
    expect(holm([0.4, 0.9])).toEqual([0.8, 0.9]);
    expect(holm([0.7])).toEqual([0.7]);
    expect(holm([])).toEqual([]);
  });

  test('is never below a p-value nor above 1, keeps their order, and one test is left alone', () => {
    fc.assert(
      fc.property(chances, (values) => {
        const adjusted = holm(values);
        values.forEach((value, i) => {
          expect(adjusted[i]).toBeGreaterThanOrEqual(value);
          expect(adjusted[i]).toBeLessThanOrEqual(1);
          values.forEach((other, j) => {
            if (value < other) expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] as number);
          });
        });
      }),
    );
  });

  test.each([-0.1, 1.1, Number.NaN])('refuses %p', (value) => {
    expect(() => holm([0.5, value])).toThrow(InvalidArgument);
  });
});
