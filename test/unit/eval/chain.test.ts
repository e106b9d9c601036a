import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Chain, chainText, chainValue, parseChain, type Step } from '../../../ts/eval/chain.ts';

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    operator: fc.constantFrom('add' as const, 'subtract' as const),
    operand: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ operator: fc.constant('multiply' as const), operand: fc.integer({ min: 2, max: 9 }) }),
);
const chain: fc.Arbitrary<Chain> = fc.record({
  start: fc.integer({ min: 10, max: 99 }),
  steps: fc.array(step, { minLength: 1, maxLength: 12 }),
});
const OPENING = 'Keep only the last two digits. Start with ';
const twelve = Array.from({ length: 12 }, (_, index) => `(${index + 1}) Add 1.`).join(' ');

describe('a chain', () => {
  test('is read as it is written', () => {
    expect(parseChain(`${OPENING}47. (1) Add 8. (2) Multiply by 3. (3) Subtract 9.`)).toEqual({
      start: 47,
      steps: [
        { operator: 'add', operand: 8 },
        { operator: 'multiply', operand: 3 },
        { operator: 'subtract', operand: 9 },
      ],
    });
  });

  test('survives being written and read', () => {
    fc.assert(fc.property(chain, (original) => expect(parseChain(chainText(original))).toEqual(original)));
  });

  test('has the value of its last step, modulo 100', () => {
    const value = (start: number, ...steps: Step[]) => chainValue({ start, steps });
    // 47 + 8 = 55; 55 * 3 = 165, keep 65; 65 - 9 = 56.
    expect(
      value(
        47,
        { operator: 'add', operand: 8 },
        { operator: 'multiply', operand: 3 },
        { operator: 'subtract', operand: 9 },
      ),
    ).toBe(56);
    // 12 * 9 = 108, keep 08; 8 - 9 = -1, which is 99 modulo 100; 99 + 1 = 100, keep 00.
    expect(
      value(
        12,
        { operator: 'multiply', operand: 9 },
        { operator: 'subtract', operand: 9 },
        { operator: 'add', operand: 1 },
      ),
    ).toBe(0);
  });

  test('of twelve steps is the longest', () => {
    expect(parseChain(`${OPENING}10. ${twelve}`)?.steps).toHaveLength(12);
    expect(parseChain(`${OPENING}10. ${twelve} (13) Add 1.`)).toBeNull();
  });

  test.each([
    ['no text', ''],
    ['no step', `${OPENING}47.`],
    ['no start', `${OPENING}(1) Add 8.`],
    ['a start of one digit', `${OPENING}7. (1) Add 8.`],
    ['a start with a leading zero', `${OPENING}07. (1) Add 8.`],
    ['a start of three digits', `${OPENING}147. (1) Add 8.`],
    ['an operand of 0', `${OPENING}47. (1) Add 0.`],
    ['a multiplication by 1', `${OPENING}47. (1) Multiply by 1.`],
    ['a multiplication by 0', `${OPENING}47. (1) Multiply by 0.`],
    ['an operand of two digits', `${OPENING}47. (1) Add 12.`],
    ['no operand', `${OPENING}47. (1) Add .`],
    ['another operator', `${OPENING}47. (1) Divide by 2.`],
    ['labels that start at 2', `${OPENING}47. (2) Add 8.`],
    ['labels out of order', `${OPENING}47. (1) Add 8. (3) Add 8.`],
    ['a repeated label', `${OPENING}47. (1) Add 8. (1) Add 8.`],
    ['a label with a leading zero', `${OPENING}47. (01) Add 8.`],
    ['no full stop', `${OPENING}47. (1) Add 8`],
    ['two full stops', `${OPENING}47. (1) Add 8..`],
    ['a step without its operator', `${OPENING}47. (1) Add 8. (2) 3.`],
    ['space around it', ` ${OPENING}47. (1) Add 8. `],
    ['a line end', `${OPENING}47. (1) Add 8.\n`],
    ['another opening', 'Start with 47. (1) Add 8.'],
    ['lower case', `${OPENING}47. (1) add 8.`],
    ['two problems', `${OPENING}47. (1) Add 8. ${OPENING}47. (1) Add 8.`],
    ['a digit that is not ASCII', `${OPENING}47. (1) Add \u0668.`],
  ])('is not read from a text with %s', (_, text) => {
    expect(parseChain(text)).toBeNull();
  });

  test('is not read from noise, and hostile text costs no time', () => {
    fc.assert(fc.property(fc.string(), (noise) => expect(parseChain(OPENING + noise)).toBeNull()));
    expect(parseChain(`${OPENING}10${'. (1) Add 1'.repeat(100_000)}`)).toBeNull();
  });
});
