import { expect, test } from '@jest/globals';
import { compareArms, formatArms } from '../../../ts/bench/learning/compareArms.ts';
import type { RunSummary } from '../../../ts/report/runSummary.ts';
import { comparison, sampleSummary, scores } from '../report/sample.ts';

/** A run whose mean@k goes through the given values, base first. */
function run(...means: number[]): RunSummary {
  const sample = sampleSummary();
  return {
    ...sample,
    run: { ...sample.run, iterations: means.length - 1 },
    evaluations: means.map((mean, iteration) => ({
      iteration,
      scores: scores(mean),
      gain: iteration === 0 ? null : comparison(mean - (means[0] as number)),
    })),
  };
}

const RESULTS = compareArms(
  new Map([
    ['full', [run(40, 60, 80), run(30, 60, 90)]],
    ['untrained-challenger', [run(40, 58, 70), run(30, 58, 70)]],
  ]),
);

test('means over seeds, and gains over the base paired by seed', () => {
  const [full] = RESULTS;
  expect(full?.iterations.map(({ meanAtK }) => meanAtK)).toEqual([60, 85]);
  expect(full?.iterations[1]?.meanAtKBySeed).toEqual([80, 90]);
  // Gains 40 and 60: mean 50, standard deviation 14.14, t(0.975, 1) = 12.706: 12.706 * 14.14 / sqrt 2 = 127.06.
  expect(full?.iterations[1]?.gain.difference).toBe(50);
  expect(full?.iterations[1]?.gain.interval[0]).toBeCloseTo(50 - 127.06, 1);
  expect(full?.iterations[1]?.fullAhead).toBeNull();
});

test('what the full method is ahead by, iteration by iteration', () => {
  const [, untrained] = RESULTS;
  expect(untrained?.iterations.map(({ fullAhead }) => fullAhead?.difference)).toEqual([2, 15]);
  // Equal differences: an interval without width.
  expect(untrained?.iterations[0]?.fullAhead?.interval).toEqual([2, 2]);
});

test('arms alone have nothing to be compared with', () => {
  const [only] = compareArms(new Map([['no-filter', [run(40, 60)]]]));
  expect(only?.iterations[0]?.fullAhead).toBeNull();
  expect(only?.iterations[0]?.gain.difference).toBe(20);
});

test('the tables are Markdown, a row an arm and a row an iteration', () => {
  const lines = formatArms(RESULTS).split('\n');
  expect(lines[2]).toMatch(/^\| `full` \| 85\.0 \| \+50\.0 \[-77\.1, 177\.1\] \| {2}\| /);
  expect(lines[3]).toMatch(/^\| `untrained-challenger` \| 70\.0 \| \+35\.0 \[/);
  expect(lines.filter((line) => line.startsWith('| `full` |'))).toHaveLength(3);
});
