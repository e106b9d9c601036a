import { expect, test } from '@jest/globals';
import { parseOptions } from '../../../ts/bench/learning/options.ts';

test('five seeds of every arm, one at a time, unless told otherwise', () => {
  const { seeds, arms, jobs, out, configOf } = parseOptions([], 'runs/learning');
  expect([seeds, arms.length, jobs, out]).toEqual([[1, 2, 3, 4, 5], 6, 1, 'runs/learning']);
  expect(configOf('no-filter', 3)).toMatchObject({ preset: 'embedded', arm: 'no-filter', seed: 3 });
});

test('options reach the runs', () => {
  const { configOf } = parseOptions(['--preset', 'mock', '--set', 'solver.steps=2'], 'x');
  expect(configOf('full', 1)).toMatchObject({ preset: 'mock', solver: { steps: 2 } });
});

test.each([
  [['--seeds', '0'], /--seeds is "0": it must be a whole number/],
  [['--jobs', 'two'], /--jobs is "two"/],
  [['--arms', 'full,ful'], /--arms holds "ful": it must be some of full/],
  [['--set', 'solver.step=2'], /unknown option "solver.step"/],
  [['--sed', '2'], /--sed/],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args, 'x')).toThrow(message);
});
