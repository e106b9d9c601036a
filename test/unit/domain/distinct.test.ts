import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { distinctBigrams } from '../../../ts/domain/distinct.ts';

test('pairs of neighbouring words are counted once among all of them', () => {
  expect(distinctBigrams(['a b c', 'a b d'])).toBe(3 / 4);
  expect(distinctBigrams(['a a a'])).toBe(1 / 2);
  expect(distinctBigrams(['a b', 'b a', 'B a'])).toBe(1);
});

test('pairs do not reach over the end of a text, and without a pair there is no share', () => {
  expect(distinctBigrams(['a b', 'b a b'])).toBe(2 / 3);
  expect(distinctBigrams(['a', '', 'b'])).toBeNull();
});

test('is what sets of texts say', () => {
  const word = fc.constantFrom('x', 'y', 'z', '1', '12');
  fc.assert(
    fc.property(fc.array(fc.array(word)), (texts) => {
      const pairs = texts.flatMap((text) => text.slice(1).map((second, at) => `${text[at]} ${second}`));
      const wanted = pairs.length === 0 ? null : new Set(pairs).size / pairs.length;
      expect(distinctBigrams(texts.map((text) => text.join(' ')))).toBe(wanted);
    }),
  );
});
