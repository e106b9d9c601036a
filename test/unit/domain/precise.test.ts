import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { exp, log, sumOf4 } from '../../../ts/domain/precise.ts';

type Values = [x: number, y: number][];

/** Made by make.py beside it, with 50 digits. */
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/bleu/oracle.json', import.meta.url), 'utf8')) as {
  log: Values;
  exp: Values;
};

test('log and exp are the nearest doubles', () => {
  expect(oracle.log.length).toBeGreaterThan(100);
  for (const [x, y] of oracle.log) expect(log(x)).toBe(y);
  expect(oracle.exp.length).toBeGreaterThan(80);
  for (const [x, y] of oracle.exp) expect(exp(x)).toBe(y);
});

test('exp is what Math.exp is, but for the last digit', () => {
  fc.assert(
    fc.property(fc.double({ min: -760, max: 720, noNaN: true }), (x) => {
      const [found, expected] = [exp(x), Math.exp(x)];
      if (expected === Number.POSITIVE_INFINITY || expected < 1e-300) expect(found).toBe(expected);
      else expect(Math.abs(found / expected - 1)).toBeLessThan(1e-15);
    }),
  );
});

test('log undoes exp', () => {
  fc.assert(
    fc.property(fc.double({ min: -500, max: 500, noNaN: true }), (x) => {
      expect(Math.abs(log(exp(x)) - x)).toBeLessThan(1e-12);
    }),
  );
});

test('a sum does not lose what falls off on the way', () => {
  expect(sumOf4(1, 1e-16, 1e-16, 1e-16)).toBe(1.0000000000000002);
  expect(1 + 1e-16 + 1e-16 + 1e-16).toBe(1);
  expect(sumOf4(1e16, 1, -1e16, 1)).toBe(2);
  expect(sumOf4(-0.25, -0.5, -0.125, -1)).toBe(-1.875);
});
