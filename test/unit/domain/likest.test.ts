import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LikestTexts } from '../../../ts/domain/likest.ts';
import { stream } from '../../../ts/domain/random.ts';

function jaccard(one: string, other: string): number {
  const [a, b] = [new Set(one.split(' ').filter(Boolean)), new Set(other.split(' ').filter(Boolean))];
  const both = [...a].filter((word) => b.has(word)).length;
  return both / (a.size + b.size - both);
}

/** By comparing with every text. */
function naively(texts: readonly string[], text: number, from: number, count: number) {
  return texts
    .flatMap((other, at) => {
      const similarity = jaccard(texts[text] as string, other);
      return at >= from && at !== text && similarity > 0 ? [{ text: at, similarity }] : [];
    })
    .sort((a, b) => b.similarity - a.similarity || a.text - b.text)
    .slice(0, count);
}

describe('the likest texts', () => {
  test('of few are those of a comparison with every one', () => {
    const text = fc.array(fc.constantFrom('find', 'the', 'sum', 'of', 'all', '7', '12', 'primes'), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(), (drawn, one, from) => {
        const texts = drawn.map((words) => words.join(' '));
        const asked = [one % texts.length, from % texts.length, 5] as const;
        expect(new LikestTexts(texts).of(...asked)).toEqual(naively(texts, ...asked));
      }),
    );
  });

  test('are found among thousands that share all but the rare words', () => {
    const random = stream(1, 'likest');
    const number = () => String(Math.floor(random() * 3000));
    const texts = Array.from(
      { length: 9000 },
      () => `Find the value of x where x plus ${number()} equals ${number()} minus ${number()} over ${number()}`,
    );
    texts[8000] = `${texts[3]} today`;
    texts[8500] = `Now ${texts[3]} or later on`;
    const likest = new LikestTexts(texts);
    expect(likest.of(3, 4500, 2).map(({ text }) => text)).toEqual([8000, 8500]);
    const asked = Array.from({ length: 30 }, (_, text) => text);
    const right = asked.filter(
      (text) => likest.of(text, 4500, 1)[0]?.similarity === naively(texts, text, 4500, 1)[0]?.similarity,
    );
    expect(right.length).toBeGreaterThanOrEqual(28);
  });

  test('leave nothing behind: the same question has the same answer', () => {
    const likest = new LikestTexts(['a b c', 'a b', 'c d', 'a d']);
    const first = likest.of(0, 1, 3);
    likest.of(2, 0, 3);
    expect(likest.of(0, 1, 3)).toEqual(first);
  });
});
