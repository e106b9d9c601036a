import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bleuDistances, SIMILARITIES } from '../../../ts/domain/similarity.ts';
import { batch, text } from './texts.ts';

interface Oracle {
  texts: { name: string; texts: string[]; distances?: number[] }[];
}

/** Made by make.py beside it, with NLTK. */
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/bleu/oracle.json', import.meta.url), 'utf8')) as Oracle;

describe('bleuDistances', () => {
  const cases = oracle.texts.flatMap(({ distances, ...rest }) =>
    distances === undefined ? [] : { ...rest, distances },
  );

  test.each(cases)('equals NLTK on $name, to the last digit', ({ texts, distances }) => {
    expect([...bleuDistances(texts)]).toEqual(distances);
  });

  test('one word of eight changed is at 1/2 exactly, so ties at the threshold are common', () => {
    // 7/8 * 5/7 * 3/6 * 1/5 = 1/16
    expect(bleuDistances(['What is the sum of 3 and 4', 'What is the sum in 3 and 4'])[0]).toBe(0.5);
  });

  test('is one-way', () => {
    const [there, back] = [bleuDistances(['a b c d', 'a b c d e'])[0], bleuDistances(['a b c d e', 'a b c d'])[0]];
    expect(there).toBeCloseTo(1 - Math.exp(-1 / 4), 12);
    expect(back).toBeCloseTo(1 - (24 / 120) ** 0.25, 12);
    expect(SIMILARITIES.bleu.symmetric).toBe(false);
  });

  test('by hand', () => {
    // Hypothesis a b c d e, reference a b c d f: precisions 4/5, 3/4, 2/3, 1/2, no brevity penalty;
    // their product is 1/5, its fourth root 0.66874.
    expect(bleuDistances(['a b c d e', 'a b c d f'])[0]).toBeCloseTo(1 - 0.2 ** 0.25, 12);
    // Four words against eight, all matched: only the brevity penalty exp(1 - 8/4) counts. The other way
    // round there is none: matches 4 of 8, 3 of 7, 2 of 6, 1 of 5.
    expect(bleuDistances(['a b c d', 'a b c d e f g h'])[0]).toBeCloseTo(1 - Math.exp(-1), 12);
    expect(bleuDistances(['a b c d e f g h', 'a b c d'])[0]).toBeCloseTo(1 - (24 / 1680) ** 0.25, 12);
  });

  test('equal texts of four words or more are at 0, shorter ones are not', () => {
    expect(bleuDistances(['a b c d', 'a b c d'])[0]).toBe(0);
    // One word: 1 * 0.1 * 0.1 * 0.1, to the power of 1/4.
    expect(bleuDistances(['a', 'a'])[0]).toBeCloseTo(1 - 0.001 ** 0.25, 12);
  });

  test('texts without a common word, and empty ones, are at 1', () => {
    expect([...bleuDistances(['a b', 'c d', '', ''])]).toEqual([1, 1, 1, 1, 1, 1]);
    expect([...bleuDistances(['a'])]).toEqual([]);
    expect([...bleuDistances([])]).toEqual([]);
  });

  test('words are compared, not what they look like', () => {
    expect([...bleuDistances(['toString a b c', 'constructor a b c'])]).toEqual([
      ...bleuDistances(['x a b c', 'y a b c']),
    ]);
  });
});

describe.each(Object.entries(SIMILARITIES))('%s', (_, similarity) => {
  const row = (texts: readonly string[], i: number): number[] => {
    const into = new Float64Array(texts.length);
    similarity.compare(texts).row(i, into, 1);
    expect(into[0]).toBe(0);
    return [...into.subarray(1, texts.length - i)];
  };

  test('is in [0, 1]', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), (texts) => {
        for (const distance of row(texts, 0)) expect(distance >= 0 && distance <= 1).toBe(true);
      }),
    );
  });

  test('the distance of two texts depends on these alone, whatever was asked before', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 7 }), (texts) => {
        const comparison = similarity.compare(texts);
        for (const i of [0, texts.length - 2, 0]) {
          const into = new Float64Array(texts.length - i - 1);
          comparison.near?.(i, 0.5, new Int32Array(texts.length), () => false);
          comparison.row(i, into, 0);
          const alone = texts.slice(i + 1).map((other) => row([texts[i] as string, other], 0)[0]);
          expect([...into]).toEqual(alone);
        }
      }),
    );
  });

  test('what is near is what has a small distance', () => {
    fc.assert(
      fc.property(batch, fc.double({ min: 0.01, max: 1, noNaN: true }), (texts, limit) => {
        const comparison = similarity.compare(texts);
        const found = new Int32Array(texts.length);
        for (let i = 0; i < texts.length; i++) {
          const count = comparison.near?.(i, limit, found, () => false);
          if (count === undefined) return;
          const expected = row(texts, i).flatMap((distance, k) => (distance < limit ? [i + 1 + k] : []));
          expect([...found.subarray(0, count)].sort((a, b) => a - b)).toEqual(expected);
        }
      }),
    );
  });

  test('is as symmetric as it says', () => {
    const isSame = fc.property(text, text, (a, b) => row([a, b], 0)[0] === row([b, a], 0)[0]);
    expect(fc.check(isSame, { numRuns: 1000 }).failed).toBe(!similarity.symmetric);
  });
});

test('Jaccard by hand', () => {
  const distance = (a: string, b: string) => {
    const into = new Float64Array(1);
    SIMILARITIES.jaccard.compare([a, b]).row(0, into, 0);
    return into[0];
  };
  expect(distance('a b c', 'b c d')).toBe(0.5);
  expect(distance('a b a', 'b a')).toBe(0);
  expect(distance('a', 'b')).toBe(1);
  expect(distance('', '')).toBe(0);
  expect(distance('', 'a')).toBe(1);
});
