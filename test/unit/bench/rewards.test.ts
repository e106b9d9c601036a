import { describe, expect, test } from '@jest/globals';
import { compare } from '../../../ts/bench/rewards/compare.ts';
import { parseOptions } from '../../../ts/bench/rewards/options.ts';
import { measureHere } from '../../../ts/bench/rewards/ours.ts';
import { questions, SETS, type SetName } from '../../../ts/bench/rewards/questions.ts';
import { formatResults } from '../../../ts/bench/rewards/table.ts';
import { clusterTexts } from '../../../ts/domain/clusters.ts';
import { SIMILARITIES } from '../../../ts/domain/similarity.ts';

describe('options', () => {
  test('512, 2,048 and 8,192 questions, the reference on 512, unless told otherwise', () => {
    const options = { python: undefined, sizes: [512, 2048, 8192], reference: [512], only: undefined };
    expect(parseOptions([])).toEqual(options);
    expect(parseOptions(['--sizes', '20,10', '--reference=8', '--python', '/usr/bin/python3'])).toEqual({
      ...options,
      sizes: [10, 20],
      reference: [8],
      python: '/usr/bin/python3',
    });
    expect(parseOptions(['--only', 'mixed:64']).only).toEqual({ set: 'mixed', questions: 64 });
  });
  test.each([
    [['--sizes', '0'], '--sizes is "0": it must be whole numbers from 1 to 99999 with commas between'],
    [['--reference', '512,'], '--reference is "512,": it must be whole numbers'],
    [['--only', 'all:5'], '--only is "all:5": it must be SET:SIZE, with SET one of mixed, nearDuplicates, noOverlap'],
    [['--only', 'mixed:'], '--only is "mixed:"'],
    [['--repeats', '3'], "Unknown option '--repeats'"],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(expect.objectContaining({ name: 'UsageError' }));
    expect(() => parseOptions(args)).toThrow(message);
  });
});

describe('questions', () => {
  test.each(Object.keys(SETS) as SetName[])('%s: the same every time, slots filled', (set) => {
    const batch = questions(set, 200);
    expect(batch).toHaveLength(200);
    expect(questions(set, 200)).toEqual(batch);
    expect(questions(set, 50)).toEqual(batch.slice(0, 50));
    for (const question of batch) expect(question).toMatch(/^[^{}]*(\^\{\d+\}[^{}]*)?$/);
  });

  test('the sets are what they say', () => {
    const clusters = (set: SetName) => {
      const clustering = { similarity: SIMILARITIES.bleu, threshold: 0.5, linkage: 'average' } as const;
      return Math.max(...clusterTexts(questions(set, 200), clustering)) + 1;
    };
    expect(clusters('noOverlap')).toBe(200);
    expect(clusters('nearDuplicates')).toBe(1);
    expect(clusters('mixed')).toBeGreaterThan(50);
    expect(clusters('mixed')).toBeLessThan(190);
  });
});

describe('results', () => {
  const cost = measureHere({ set: 'noOverlap', questions: 40 });
  const run = (labels: number[]) => ({ distanceSeconds: 3, clusterSeconds: 1, labels, versions: {} });

  test('ours is measured', () => {
    expect(cost).toMatchObject({ set: 'noOverlap', questions: 40, sumOfShares: expect.closeTo(1, 12) });
    expect(cost.firstSeconds).toBeGreaterThan(0);
    expect(cost.seconds).toBeGreaterThan(0);
    expect(cost.peakMebibytes).toBeGreaterThan(10);
  });

  test('the reference at the same size is compared share by share', () => {
    const alone = Array.from({ length: 40 }, (_, k) => k);
    expect(compare(cost, run(alone))).toMatchObject({ measured: true, referenceSeconds: 4, isEqual: true });
    expect(compare(cost, run(alone.map((k) => k >> 1)))).toMatchObject({ isEqual: false });
  });

  test('at a smaller size it is extrapolated by pairs', () => {
    const { referenceSeconds, measured, isEqual, ratio } = compare(cost, run([0, 1, 2, 3]));
    expect({ referenceSeconds, measured, isEqual }).toEqual({ referenceSeconds: 4 * (780 / 6), measured: false });
    expect(ratio).toBeCloseTo(referenceSeconds / cost.seconds, 6);
  });

  test('the tables say what was extrapolated', () => {
    const times = { firstSeconds: 0.08, seconds: 0.02, firstRatio: 200, ratio: 800 };
    const text = formatResults(
      [
        { questions: 512, referenceSeconds: 16, measured: true, isEqual: true, ...times },
        { questions: 2048, referenceSeconds: 256.4, measured: false, ...times },
      ],
      [{ set: 'nearDuplicates', questions: 8192, firstSeconds: 4, seconds: 3.96, peakMebibytes: 460, sumOfShares: 1 }],
    );
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        '| 512 | 16 s | 0.080 s | 0.020 s | 200 x | 800 x | equal |',
        '| 2,048 | 256 s (extrapolated) | 0.080 s | 0.020 s | 200 x | 800 x |  |',
        '| near-duplicates | 8,192 | 4.0 s | 4.0 s | 460 MiB |',
      ]),
    );
  });
});
