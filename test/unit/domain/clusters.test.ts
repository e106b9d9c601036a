import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { averageLinkage, clusterShares } from '../../../ts/domain/clusters.ts';
import { InvalidArgument } from '../../../ts/domain/errors.ts';
import { stream } from '../../../ts/domain/random.ts';
import { bleuDistances } from '../../../ts/domain/similarity.ts';
import { cpuSeconds } from './cpuSeconds.ts';

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

test('clusterShares are cluster sizes over the batch', () => {
  expect([...clusterShares(Int32Array.of(0, 1, 0, 0, 2))]).toEqual([0.6, 0.2, 0.6, 0.6, 0.2]);
  expect([...clusterShares(new Int32Array(0))]).toEqual([]);
});

test('a batch of 512 questions takes seconds at most', () => {
  // Observed: 0.15 s, several times that inside Jest. NLTK and scikit-learn need about a minute.
  const random = stream(1, 'texts');
  const texts = Array.from({ length: 512 }, () =>
    Array.from({ length: 40 }, () => `w${Math.floor(random() ** 3 * 400)}`).join(' '),
  );
  expect(cpuSeconds(() => averageLinkage(bleuDistances(texts), texts.length, 0.5))).toBeLessThan(10);
});
