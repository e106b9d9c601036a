import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { averageLinkage, clusterShares, clusterTexts } from '../../../ts/domain/clusters.ts';
import { condensed } from '../../../ts/domain/comparison.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { stream } from '../../../ts/domain/random.ts';
import { bleuDistances, SIMILARITIES } from '../../../ts/domain/similarity.ts';
import { cpuSeconds } from './cpuSeconds.ts';
import { naiveClusters } from './naiveClusters.ts';
import { batch } from './texts.ts';

interface Partition {
  threshold: number;
  labels: number[];
}
interface Oracle {
  texts: { name: string; texts: string[]; partitions: Partition[] }[];
  ties: { n: number; distances: number[]; partitions: Partition[] }[];
}

/** Made by make.py beside it, with scikit-learn. */
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/bleu/oracle.json', import.meta.url), 'utf8')) as Oracle;

describe('averageLinkage', () => {
  test.each(oracle.texts)('equals scikit-learn on the distances of $name', ({ texts, partitions }) => {
    for (const { threshold, labels } of partitions) {
      expect([...averageLinkage(bleuDistances(texts), texts.length, threshold)]).toEqual(labels);
    }
  });

  test('equals scikit-learn where most distances are tied', () => {
    expect(oracle.ties.length).toBeGreaterThan(30);
    for (const { n, distances, partitions } of oracle.ties) {
      for (const { threshold, labels } of partitions) {
        expect([...averageLinkage(Float64Array.from(distances), n, threshold)]).toEqual(labels);
      }
    }
  });

  test('by hand', () => {
    // d(0,1) = 0.2, d(0,2) = 0.4, d(1,2) = 0.8. First 0 and 1; from them to 2 it is (0.4 + 0.8)/2 = 0.6.
    const distances = Float64Array.of(0.2, 0.4, 0.8);
    expect([...averageLinkage(distances, 3, 0.5)]).toEqual([0, 0, 1]);
    expect([...averageLinkage(distances, 3, 0.7)]).toEqual([0, 0, 0]);
    expect([...averageLinkage(distances, 3, 0.1)]).toEqual([0, 1, 2]);
    expect([...distances]).toEqual([0.2, 0.4, 0.8]);
  });

  test('clusters exactly at the threshold stay apart', () => {
    expect([...averageLinkage(Float64Array.of(0.5), 2, 0.5)]).toEqual([0, 1]);
    expect([...averageLinkage(Float64Array.of(0.5), 2, 0.5000001)]).toEqual([0, 0]);
  });

  test('nothing and a single item', () => {
    expect([...averageLinkage(new Float64Array(0), 0, 0.5)]).toEqual([]);
    expect([...averageLinkage(new Float64Array(0), 1, 0.5)]).toEqual([0]);
  });

  test('a higher threshold only joins clusters', () => {
    const cases = fc
      .integer({ min: 2, max: 12 })
      .chain((n) =>
        fc.tuple(
          fc.constant(n),
          fc.array(fc.nat({ max: 20 }), { minLength: (n * (n - 1)) / 2, maxLength: (n * (n - 1)) / 2 }),
        ),
      );
    fc.assert(
      fc.property(cases, ([n, steps]) => {
        const distances = Float64Array.from(steps, (step) => step / 20);
        const fine = averageLinkage(distances, n, 0.4);
        const coarse = averageLinkage(distances, n, 0.6);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < i; j++) if (fine[i] === fine[j]) expect(coarse[i]).toBe(coarse[j]);
        }
      }),
    );
  });

  test('refuses distances of another number of items', () => {
    expect(() => averageLinkage(new Float64Array(4), 3, 0.5)).toThrow(InvalidArgument);
  });
});

describe('clusterTexts', () => {
  const average = (threshold: number) => ({ similarity: SIMILARITIES.bleu, threshold, linkage: 'average' }) as const;

  test.each(oracle.texts)('equals NLTK and scikit-learn on $name', ({ texts, partitions }) => {
    for (const { threshold, labels } of partitions) {
      for (const small of [0, 2048]) expect([...clusterTexts(texts, average(threshold), small)]).toEqual(labels);
    }
  });

  test.each(Object.entries(SIMILARITIES))('%s: equals the naive algorithm, ties included', (_, similarity) => {
    const threshold = fc.constantFrom(0.5, 0.5, 0.2, 0.3, 0.6, 0.75, 0.9);
    fc.assert(
      fc.property(batch, threshold, (texts, threshold) => {
        const expected = naiveClusters(condensed(similarity.compare(texts)), texts.length, threshold);
        for (const small of [0, 2048]) {
          expect([...clusterTexts(texts, { similarity, threshold, linkage: 'average' }, small)]).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('many small components are clustered without the whole matrix', () => {
    let whole = 0;
    const { bleu } = SIMILARITIES;
    const counting = {
      ...bleu,
      compare: (texts: readonly string[]) => {
        const comparison = bleu.compare(texts);
        const { size } = comparison;
        const near = (i: number, limit: number, found: Int32Array, isKnown: (j: number) => boolean) =>
          comparison.near?.(i, limit, found, isKnown) ?? 0;
        const row = (i: number, into: Float64Array, at: number) => {
          if (size === 60) whole++;
          comparison.row(i, into, at);
        };
        return { size, near, row };
      },
    };
    const texts = Array.from(
      { length: 60 },
      (_, k) => `What is the ${k >> 1} of all these ${k >> 1} here ${'now '.repeat(k & 1)}`,
    );
    expect([...clusterTexts(texts, { ...average(0.5), similarity: counting }, 0)]).toEqual(texts.map((_, k) => k >> 1));
    expect(whole).toBe(0);
  });

  test('by linkage: the mean, the largest or the smallest distance', () => {
    // A chain: neighbours are alike, the ends are not.
    const distances: Record<string, number> = { 'a b': 0.4, 'b c': 0.45, 'a c': 0.6 };
    const similarity = {
      symmetric: true,
      compare: (texts: readonly string[]) => ({
        size: texts.length,
        row: (i: number, into: Float64Array, at: number) =>
          texts.slice(i + 1).forEach((other, k) => {
            into[at + k] = distances[`${texts[i]} ${other}`] as number;
          }),
      }),
    };
    const clusters = (threshold: number) =>
      (['single', 'average', 'complete'] as const).map((linkage) =>
        [...clusterTexts(['a', 'b', 'c'], { similarity, threshold, linkage })].join(''),
      );
    expect(clusters(0.5)).toEqual(['000', '001', '001']);
    expect(clusters(0.55)).toEqual(['000', '000', '001']);
    expect(clusters(0.7)).toEqual(['000', '000', '000']);
  });
});

test('clusterShares are cluster sizes over the batch', () => {
  expect([...clusterShares(Int32Array.of(0, 1, 0, 0, 2))]).toEqual([0.6, 0.2, 0.6, 0.6, 0.2]);
  expect([...clusterShares(new Int32Array(0))]).toEqual([]);
});

test('a batch of 2,048 questions takes seconds at most, however alike', () => {
  // Observed: 0.3 s each, several times that inside Jest. NLTK and scikit-learn need a quarter of an hour.
  const random = stream(1, 'texts');
  const number = (below: number) => Math.floor(random() * below);
  const alike = Array.from(
    { length: 2048 },
    () => `Find the value of ${number(60)} plus the value of ${number(60)} now`,
  );
  const unlike = Array.from({ length: 2048 }, () =>
    Array.from({ length: 40 }, () => `w${Math.floor(random() ** 3 * 400)}`).join(' '),
  );
  for (const texts of [alike, unlike]) {
    const clustering = { similarity: SIMILARITIES.bleu, threshold: 0.5, linkage: 'average' } as const;
    expect(cpuSeconds(() => clusterTexts(texts, clustering))).toBeLessThan(10);
  }
});
