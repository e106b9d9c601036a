import { expect, test } from '@jest/globals';
import { differenceOf } from '../../../../ts/worker/pool/proof.ts';

const proof = (checksum: string, ...probe: number[]) => ({ checksum, probe: Float32Array.from(probe) });

test.each([
  ['the same', proof('a', 0, -1), undefined],
  ['rounded otherwise', proof('a', 0.125, -0.9375), undefined], // 0.125 and 0.0625 apart
  ['of other weights', proof('b', 0, -1), 'their checksum is b there, and was a'],
  ['computed from others', proof('a', 0.25, -1), 'log-probs of the probe are 0.125 apart on average, allowed is 0.10'],
  ['not computed', proof('a'), 'its probe has 0 log-probs, and had 2'],
  ['no numbers', proof('a', 0, Number.NaN), 'log-probs of the probe are NaN apart on average, allowed is 0.10'],
])('a proof that is %s', (_, other, difference) => {
  expect(differenceOf(other, proof('a', 0, -1))).toBe(difference);
});

test('of unlikely probes more is rounded', () => {
  const far = proof('a', 0, -20); // on average 10, of which 2 % are 0.2
  expect(differenceOf(proof('a', 0, -20.375), far)).toBeUndefined();
  expect(differenceOf(proof('a', 0, -20.5), far)).toMatch(/are 0.250 apart on average, allowed is 0.20$/);
});

test('two proofs that say nothing are not the same', () => {
  expect(differenceOf(proof('a'), proof('a'))).toMatch(/NaN apart/);
});
