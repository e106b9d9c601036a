import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { repetitionShares } from '../../../ts/domain/repetition.ts';
import type { Similarity } from '../../../ts/domain/similarity.ts';
import { batch } from './texts.ts';

const FIVE = [
  'What is the sum of all divisors of 12 ?',
  'How many primes are there below one hundred ?',
  'What is the sum of all divisors of 18 ?',
  'A train leaves at noon and travels for two hours .',
  'How many primes are there below one thousand ?',
];

/** Distances without ties, from nothing but the two texts. */
const scattered: Similarity = {
  symmetric: true,
  compare: (texts) => ({
    size: texts.length,
    row: (i, into, at) => {
      for (let j = i + 1; j < texts.length; j++) {
        const [a, b] = [texts[i] as string, texts[j] as string].sort() as [string, string];
        into[at + j - i - 1] = a === b ? 0 : Math.abs(Math.sin(Number(a) * 12.9898 + Number(b) * 78.233));
      }
    },
  }),
};

describe('repetitionShares', () => {
  test('the share of the batch that says the same', () => {
    expect(repetitionShares(FIVE)).toEqual([0.4, 0.4, 0.4, 0.2, 0.4]);
    expect(repetitionShares([])).toEqual([]);
    expect(repetitionShares(['a'])).toEqual([1]);
  });

  test('empty questions are alone', () => {
    expect(repetitionShares(['', '', ' ', FIVE[0] as string])).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test('of a batch that counts more than these questions', () => {
    expect(repetitionShares(FIVE, { batch: 10 })).toEqual([0.2, 0.2, 0.2, 0.1, 0.2]);
  });

  test('what was asked before counts as asked again', () => {
    const memory = ['How many primes are there below one million ?', 'What is this ?'];
    expect(repetitionShares(FIVE, { memory })).toEqual([0.4, 0.6, 0.4, 0.2, 0.6]);
    expect(repetitionShares([FIVE[0] as string], { memory: [FIVE[0] as string] })).toEqual([1]);
    expect(repetitionShares([], { memory })).toEqual([]);
  });

  test('by another similarity', () => {
    // The same words in another order: far by BLEU, equal as sets.
    const turned = ['one two three four five', 'five four three two one'];
    expect(repetitionShares(turned)).toEqual([0.5, 0.5]);
    expect(repetitionShares(turned, { similarity: 'jaccard' })).toEqual([1, 1]);
    expect(repetitionShares(['1', '2'], { similarity: scattered, threshold: 1 })).toEqual([1, 1]);
  });

  test('shares of all clusters add up to 1', () => {
    fc.assert(
      fc.property(batch, fc.constantFrom('bleu', 'jaccard'), (questions, similarity) => {
        const shares = repetitionShares(questions, { similarity });
        const members = new Map<number, number>();
        for (const share of shares) members.set(share, (members.get(share) ?? 0) + 1);
        // As many questions have a share as clusters of that size have members.
        for (const [share, count] of members) {
          const size = Math.round(share * questions.length);
          expect(size / questions.length).toBe(share);
          expect(count % size).toBe(0);
        }
      }),
    );
  });

  test('copies of a question have at least their own share', () => {
    fc.assert(
      fc.property(
        batch,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom('bleu', 'jaccard'),
        (others, copies, similarity) => {
          const asked = 'What is the sum of 1 and twice the number 2 ?';
          const questions = [...Array.from({ length: copies }, () => asked), ...others];
          const share = repetitionShares(questions, { similarity })[0] as number;
          expect(share).toBeGreaterThanOrEqual(copies / questions.length);
        },
      ),
    );
  });

  test('with single linkage, one more copy never makes a share smaller', () => {
    fc.assert(
      fc.property(batch, fc.nat(), fc.constantFrom('bleu', 'jaccard'), (others, place, similarity) => {
        const asked = 'What is the sum of 1 and twice the number 2 ?';
        const before = repetitionShares([asked, ...others], { similarity, linkage: 'single' })[0] as number;
        const at = place % (others.length + 1);
        const more = [asked, ...others.slice(0, at), asked, ...others.slice(at)];
        const after = repetitionShares(more, { similarity, linkage: 'single' })[0] as number;
        expect(after).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  test('with average linkage it can, in the published algorithm as here', () => {
    const ask = (a: number, b: number) => `Find the sum of ${a} and ${b} and 0 now please`;
    const questions = [ask(0, 4), ask(2, 0), ask(4, 1)];
    expect(repetitionShares(questions)[1]).toBe(2 / 3);
    expect(repetitionShares([...questions, ask(2, 0)])[1]).toBe(2 / 4);
  });

  test('where the similarity is symmetric and nothing is tied, the order of the batch does not matter', () => {
    const questions = fc.uniqueArray(fc.nat({ max: 10_000 }).map(String), { maxLength: 30 });
    const linkages = fc.constantFrom('average', 'complete', 'single');
    fc.assert(
      fc.property(questions, linkages, fc.infiniteStream(fc.nat()), (texts, linkage, keys) => {
        const order = texts.map((_, k) => k);
        const key = new Map(order.map((k) => [k, keys.next().value as number]));
        order.sort((a, b) => (key.get(a) as number) - (key.get(b) as number));
        const options = { similarity: scattered, linkage } as const;
        const shares = repetitionShares(texts, options);
        const shuffled = repetitionShares(
          order.map((k) => texts[k] as string),
          options,
        );
        expect(shuffled).toEqual(order.map((k) => shares[k]));
      }),
    );
  });

  test.each([
    [{ threshold: 0 }, 'threshold is 0, allowed is (0, 1]'],
    [{ threshold: Number.NaN }, 'threshold is NaN'],
    [{ batch: 4 }, 'batch is 4, allowed is 5 or more'],
    [{ similarity: 'cosine' as 'bleu' }, 'similarity is cosine, allowed are bleu, jaccard and one of your own'],
  ])('refuses %j', (options, message) => {
    expect(() => repetitionShares(FIVE, options)).toThrow(InvalidArgument);
    expect(() => repetitionShares(FIVE, options)).toThrow(message);
  });

  test('refuses what is no distance', () => {
    const broken: Similarity = {
      symmetric: true,
      compare: (texts) => ({ size: texts.length, row: (_, into) => void into.fill(Number.NaN) }),
    };
    expect(() => repetitionShares(['a', 'b'], { similarity: broken })).toThrow(
      'the distance of items 0 and 1 is NaN, allowed is a finite number from 0 up',
    );
  });
});
