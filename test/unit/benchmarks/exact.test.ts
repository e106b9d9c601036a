import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { sameExactly } from '../../../ts/benchmarks/exact.ts';

test.each([
  ['(A)', 'A'],
  ['Yes', 'yes.'],
  ['1, 2,3', '1,2, 3'],
  ['[a, b]', 'a,b'],
  ["it's", 'its'],
  ['**proved**', 'Proved'],
  ['\\text{unknown}', 'unknown'],
  ['5', '5.0'],
  ['2.5', '$2.50$'],
  ['where is it', 'Where is it?'],
])('%s is %s', (a, b) => {
  expect(sameExactly(a, b)).toBe(true);
  expect(sameExactly(b, a)).toBe(true);
});

test.each([
  ['A', 'B'],
  ['1, 2', '2, 1'],
  ['5', '-5'],
  ['12', '1,2'],
  ['yes', 'yes and no'],
  ['', ''],
  ['.', '?'],
])('%s is not %s', (a, b) => {
  expect(sameExactly(a, b)).toBe(false);
  expect(sameExactly(b, a)).toBe(false);
});

test('it is symmetric, and blind to case, blanks around and a final stop', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(sameExactly(a, b)).toBe(sameExactly(b, a));
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9 ,()-]{0,30}$/), (text) => {
      expect(sameExactly(text, ` ${text.toUpperCase()}. `)).toBe(true);
    }),
  );
});
