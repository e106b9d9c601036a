import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Turnstile } from '../../../ts/loop/turnstile.ts';

test('whatever order they come in, they pass in the order of their numbers', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), async (counts, seed) => {
      const items = counts.map((count, index) => ({
        count,
        first: counts.slice(0, index).reduce((sum, one) => sum + one, 0),
      }));
      const turnstile = new Turnstile();
      const passed: number[] = [];
      const coming = items.toSorted((a, b) => ((a.first * 7 + seed) % 11) - ((b.first * 7 + seed) % 11));
      await Promise.all(coming.map(({ first, count }) => turnstile.pass(first, count, () => passed.push(first))));
      expect(passed).toEqual(items.map(({ first }) => first));
    }),
  );
});

test('what is done there is answered, and what it throws is thrown', async () => {
  const turnstile = new Turnstile();
  expect(await turnstile.pass(0, 1, () => 'done')).toBe('done');
  const broken = turnstile.pass(1, 1, () => {
    throw new Error('broken');
  });
  await expect(broken).rejects.toThrow('broken');
});
