import { expect, test } from '@jest/globals';
import { probeTokens } from '../../../ts/worker/probe.ts';

test('the probe is what proto/README.md says', () => {
  // 7919 = 8 * 989 + 7, so the tokens go down by one.
  expect(Array.from(probeTokens(8))).toEqual([7, 6, 5, 4, 3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(Array.from(probeTokens(151_936).subarray(0, 3))).toEqual([7919, 15838, 23757]);
});
