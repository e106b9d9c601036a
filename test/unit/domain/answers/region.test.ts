import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { rational } from '../../../../ts/domain/answers/rational.ts';
import {
  complement,
  intersection,
  type Region,
  type Span,
  sameRegion,
  union,
} from '../../../../ts/domain/answers/region.ts';

const ends = fc.integer({ min: -4, max: 4 });

/** An interval of the half-line between two small integers, or up to infinity. */
const region: fc.Arbitrary<Region> = fc
  .array(
    fc
      .tuple(ends, ends, fc.boolean(), fc.boolean(), fc.boolean())
      .map(([a, b, lowClosed, highClosed, infinite]): Span => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        return infinite
          ? { low: rational(BigInt(low)), lowClosed, high: 1, highClosed: false }
          : { low: rational(BigInt(low)), lowClosed, high: rational(BigInt(high)), highClosed };
      }),
    { maxLength: 4 },
  )
  .map((spans) => spans.map((span): Region => [span]).reduce(union, []));

/** Is 2x, for x in half units, in the region? */
function has(set: Region, doubled: number): boolean {
  const value = (end: Span['low']): number =>
    typeof end === 'number' ? end * Number.POSITIVE_INFINITY : Number(end.kind === 'rational' ? end.n : 0n);
  const x = doubled / 2;
  return set.some(({ low, high, lowClosed, highClosed }) => {
    const above = lowClosed ? x >= value(low) : x > value(low);
    const below = highClosed ? x <= value(high) : x < value(high);
    return above && below;
  });
}

const PLACES = Array.from({ length: 25 }, (_, i) => i - 12);

test('union, intersection and complement are those of the points', () => {
  fc.assert(
    fc.property(region, region, (a, b) => {
      for (const x of PLACES) {
        expect(has(union(a, b), x)).toBe(has(a, x) || has(b, x));
        expect(has(intersection(a, b), x)).toBe(has(a, x) && has(b, x));
        expect(has(complement(a), x)).toBe(!has(a, x));
      }
    }),
  );
});

test('two regions are the same iff they have the same points', () => {
  fc.assert(
    fc.property(region, region, (a, b) => {
      expect(sameRegion(a, b)).toBe(PLACES.every((x) => has(a, x) === has(b, x)));
      expect(sameRegion(union(a, b), union(b, a))).toBe(true);
      expect(sameRegion(complement(complement(a)), a)).toBe(true);
    }),
  );
});
