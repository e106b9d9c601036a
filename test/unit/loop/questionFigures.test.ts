import { expect, test } from '@jest/globals';
import { questionFigures } from '../../../ts/loop/questionFigures.ts';

test('lengths, repeats, and pairs of neighbouring words', () => {
  // Pairs: "a b", "b a", "a b" | "a b", "b a", "a b" | "c d": three of seven differ.
  expect(questionFigures(['a b a b', 'a b a b', 'c  d'])).toEqual({
    questionLength: 6,
    distinct: 2 / 3,
    distinctBigrams: 3 / 7,
  });
});

test('questions of one word have no pairs, and of no question nothing is known', () => {
  expect(questionFigures(['one', 'two'])).toEqual({ questionLength: 3, distinct: 1 });
  expect(questionFigures([])).toEqual({});
});
