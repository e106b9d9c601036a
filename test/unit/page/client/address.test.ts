import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readAddress, writeAddress } from '../../../../ts/page/client/address.ts';
import { type Criteria, EVERY_QUESTION, filtersSet, SORTS } from '../../../../ts/page/client/criteria.ts';

const name = fc.option(fc.string({ unit: 'grapheme', minLength: 1 }));
const tenth = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
const criteria: fc.Arbitrary<Criteria> = fc.record({
  text: fc.string({ unit: 'grapheme' }),
  iteration: fc.option(fc.nat()),
  phase: name,
  fate: name,
  label: fc.constantFrom('right' as const, 'wrong' as const, 'unknown' as const, null),
  low: tenth,
  high: tenth,
  sort: fc.constantFrom(...SORTS),
  descending: fc.boolean(),
});

test('an address says what was written into it', () => {
  fc.assert(
    fc.property(fc.record({ question: fc.option(fc.nat()), criteria }), (address) => {
      expect(readAddress(writeAddress(address))).toEqual(address);
    }),
  );
});

test('what goes without saying is not said', () => {
  expect(writeAddress({ question: null, criteria: EVERY_QUESTION })).toBe('');
  expect(readAddress('')).toEqual({ question: null, criteria: EVERY_QUESTION });
  expect(writeAddress({ question: 7, criteria: { ...EVERY_QUESTION, fate: 'kept' } })).toBe('#question=7&fate=kept');
});

test.each([
  '#question=-1',
  '#question=x',
  '#question=1e9',
  '#sort=sideways',
  '#agreement=7-8',
  '#label=maybe',
  '#%%%',
  '#&&=&',
])('%s says nothing', (hash) => expect(readAddress(hash)).toEqual({ question: null, criteria: EVERY_QUESTION }));

test('the order is no filter', () => {
  expect(filtersSet({ ...EVERY_QUESTION, sort: 'length', descending: true })).toBe(0);
  expect(filtersSet({ ...EVERY_QUESTION, text: 'a', low: 0.1, high: 0.9 })).toBe(2);
});
