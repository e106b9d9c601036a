import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { BadRecord, type Field, type Fields, itemOf } from '../../../ts/benchmarks/fields.ts';

const RECORD = {
  question: 'Q',
  answer: 'A',
  nested: { deep: 3n },
  list: ['one', 'two'],
  marked: 'x #### y ####  z ',
  n: 2,
};

const item = (fields: Partial<Fields>, record: object = RECORD) =>
  itemOf(record as Record<string, unknown>, { question: 'question', answer: 'answer', ...fields }, 4);

test('texts and numbers, at any depth; the number of the record is its id', () => {
  expect(item({ answer: 'nested.deep', category: 'n' })).toEqual({
    id: '4',
    question: 'Q',
    answer: '3',
    category: '2',
  });
  expect(item({ id: 'nested.deep' }).id).toBe('3');
});

test.each<[Field, string]>([
  [{ from: 'list', first: true }, 'one'],
  [{ from: 'marked', after: '####' }, 'z'],
  [{ from: 'marked', split: ' #### ', first: true }, 'x'],
  [{ from: 'n', letterOfIndex: true }, 'C'],
])('%j is %s', (field, expected) => {
  expect(item({ answer: field }).answer).toBe(expected);
});

test.each<[Fields['choices'], readonly string[]]>([
  ['list', ['one', 'two']],
  [
    ['question', 'n'],
    ['Q', '2'],
  ],
  [{ from: 'marked', split: ' #### ' }, ['x', 'y', ' z ']],
])('choices from %j', (choices, expected) => {
  expect(item({ choices: choices as NonNullable<Fields['choices']> }).choices).toEqual(expected);
});

describe('what does not fit is said with field, value and what is allowed', () => {
  test.each<[Partial<Fields>, string]>([
    [
      { answer: 'gold' },
      'field gold (the answer) is missing: the record has question, answer, nested, list, marked, n',
    ],
    [{ answer: 'list' }, 'field list (the answer) is ["one","two"]: it must be a text or a number'],
    [{ answer: 'nested' }, 'field nested (the answer) is {"deep":"3"}: it must be a text or a number'],
    [
      { answer: { from: 'question', first: true } },
      'field question (the answer) is "Q": it must be a list of at least one',
    ],
    [{ answer: { from: 'answer', after: '##' } }, 'field answer is "A": it must be a text with "##" in it'],
    [{ answer: { from: 'n', split: ',' } }, 'field n (the answer) is 2: it must be a text that can be split'],
    [
      { answer: { from: 'question', letterOfIndex: true } },
      'field question (the answer) is "Q": it must be a whole number from 0 to 25',
    ],
    [{ choices: 'question' }, 'field question (the choices) is "Q": it must be a list of 2 to 26 texts'],
    [
      { choices: 'list', answer: 'question' },
      'field question (the answer) is "Q": it must be a letter from A to B, one for each of 2 choices',
    ],
  ])('%j', (fields, message) => {
    expect(() => item(fields)).toThrow(new BadRecord(message));
  });

  test('a blank question, and a value too long to show', () => {
    expect(() => item({}, { question: ' ', answer: '1' })).toThrow(
      'field question is " ": it must be a text or a number',
    );
    const long = { question: 'q', answer: ['x'.repeat(500)] };
    expect(() => item({}, long)).toThrow(/^field answer is \["x{78}\.\.\.: it must/);
  });

  test('whatever a record holds, it is an item or a BadRecord', () => {
    const fields: Fields = { question: 'a', answer: { from: 'b.c', first: true }, choices: 'd', id: 'e' };
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'd', 'e'), fc.anything({ withBigInt: true })), (record) => {
        try {
          expect(typeof itemOf(record, fields, 1).answer).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(BadRecord);
        }
      }),
    );
  });
});
