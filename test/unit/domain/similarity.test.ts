import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bleuDistances } from '../../../ts/domain/similarity.ts';

interface Oracle {
  texts: { name: string; texts: string[]; distances: number[] }[];
}

/** Made by make.py beside it, with NLTK. */
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/bleu/oracle.json', import.meta.url), 'utf8')) as Oracle;

describe('bleuDistances', () => {
  test.each(oracle.texts)('equals NLTK on $name', ({ texts, distances }) => {
    const actual = bleuDistances(texts);
    expect(actual.length).toBe(distances.length);
    distances.forEach((distance, pair) => {
      expect(Math.abs((actual[pair] as number) - distance)).toBeLessThan(1e-12);
    });
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

  test('is in [0, 1]', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        for (const distance of bleuDistances(texts)) expect(distance >= 0 && distance <= 1).toBe(true);
      }),
    );
  });

  test('the pair at (i, j) knows texts i and j alone', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 8 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 7 }), (texts) => {
        const all = bleuDistances(texts);
        let pair = 0;
        for (let i = 0; i < texts.length; i++) {
          for (let j = i + 1; j < texts.length; j++) {
            expect(all[pair++]).toBe(bleuDistances([texts[i] as string, texts[j] as string])[0]);
          }
        }
      }),
    );
  });
});
