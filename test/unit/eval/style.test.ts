import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isWorked, type StyleProfile, splitGain, styleProfile } from '../../../ts/eval/style.ts';

test.each([
  ['Step by step: 47. (1) 55. \\boxed{55}', true],
  ['\\boxed{55}', false],
  ['  \n\\boxed{55}', false],
  ['\\boxed{55} because I say so', false],
  ['\\boxed{1} \\boxed{2}', false],
  ['a response that was cut off', true],
  ['', false],
])('%j: worked is %p', (response, worked) => {
  expect(isWorked(response)).toBe(worked);
});

test('a profile counts styles and what is right in each', () => {
  const profile = styleProfile(
    [
      ['so \\boxed{1}', '\\boxed{1}'],
      ['so \\boxed{2}', 'so \\boxed{1}'],
    ],
    [
      [true, false],
      [false, true],
    ],
  );
  // Worked: 3 of 4, 2 of them right. Terse: 1, wrong.
  expect(profile).toEqual({ answers: 4, workedShare: 0.75, accuracyWorked: 2 / 3, accuracyTerse: 0 });
  expect(() => styleProfile([[]], [[]])).toThrow(RangeError);
});

describe('the split of a gain', () => {
  const profile = (workedShare: number, accuracyWorked: number | null, accuracyTerse: number | null): StyleProfile => ({
    answers: 100,
    workedShare,
    accuracyWorked,
    accuracyTerse,
  });

  test('by hand', () => {
    // Before: 0.4 * 0.7 + 0.6 * 0.1 = 0.34. After: 0.9 * 0.9 + 0.1 * 0.2 = 0.83. Gain 0.49.
    // Choosing: (0.9 - 0.4) * ((0.7 + 0.9)/2 - (0.1 + 0.2)/2) = 0.5 * (0.8 - 0.15) = 0.325.
    // Slips: 0.65 * (0.9 - 0.7) + 0.35 * (0.2 - 0.1) = 0.13 + 0.035 = 0.165. Together 0.49.
    const { choosing, slips } = splitGain(profile(0.4, 0.7, 0.1), profile(0.9, 0.9, 0.2));
    expect(choosing).toBeCloseTo(0.325, 12);
    expect(slips).toBeCloseTo(0.165, 12);
  });

  test('credits nothing to a style that only one evaluation used', () => {
    // Before: all terse, 0.1. After: all worked, 0.9. No style was seen twice, so all 0.8 is the choice.
    expect(splitGain(profile(0, null, 0.1), profile(1, 0.9, null))).toEqual({ choosing: 0.8, slips: 0 });
  });

  test('is all slips where the style stayed', () => {
    const { choosing, slips } = splitGain(profile(1, 0.5, null), profile(1, 0.75, null));
    expect(choosing).toBe(0);
    expect(slips).toBeCloseTo(0.25, 12);
  });

  test('adds up to the gain, whatever the numbers', () => {
    const counts = fc.record({
      worked: fc.integer({ min: 0, max: 50 }),
      terse: fc.integer({ min: 0, max: 50 }),
      workedRight: fc.double({ min: 0, max: 1, noNaN: true }),
      terseRight: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const evaluation = counts
      .filter(({ worked, terse }) => worked + terse > 0)
      .map(({ worked, terse, workedRight, terseRight }) => ({
        profile: profile(worked / (worked + terse), worked ? workedRight : null, terse ? terseRight : null),
        accuracy: (worked * workedRight + terse * terseRight) / (worked + terse),
      }));
    fc.assert(
      fc.property(evaluation, evaluation, (before, after) => {
        const { choosing, slips } = splitGain(before.profile, after.profile);
        expect(choosing + slips).toBeCloseTo(after.accuracy - before.accuracy, 12);
      }),
    );
  });
});
