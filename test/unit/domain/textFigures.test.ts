import { expect, test } from '@jest/globals';
import { textFigures } from '../../../ts/domain/textFigures.ts';

test('lengths, repeats, and pairs of neighbouring words', () => {
  // Pairs: "a b", "b a", "a b" | "a b", "b a", "a b" | "c d": three of seven differ.
  expect(textFigures(['a b a b', 'a b a b', 'c  d'])).toEqual({ length: 6, distinct: 2 / 3, distinctBigrams: 3 / 7 });
});

test('texts of one word have no pairs, and of no text nothing is known', () => {
  expect(textFigures(['one', 'two'])).toEqual({ length: 3, distinct: 1, distinctBigrams: Number.NaN });
  expect(textFigures([])).toEqual({ length: Number.NaN, distinct: Number.NaN, distinctBigrams: Number.NaN });
});

test('2,048 questions of a step take a fraction of a second', () => {
  const texts = Array.from({ length: 2048 }, (_, index) => `What is ${index} times ${index % 7} ? `.repeat(20));
  const begun = performance.now();
  textFigures(texts);
  expect(performance.now() - begun).toBeLessThan(3000);
});
