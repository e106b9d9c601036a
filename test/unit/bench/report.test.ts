import { describe, expect, test } from '@jest/globals';
import { parseOptions } from '../../../ts/bench/report/options.ts';

describe('options of the report bench', () => {
  test('a hundred thousand questions, unless told otherwise', () => {
    expect(parseOptions([])).toEqual({ questions: 100_000, samples: 10, length: 400 });
    const given = '--questions 300 --samples 4 --length 4000 --out a';
    expect(parseOptions(given.split(' '))).toEqual({ questions: 300, samples: 4, length: 4000, out: 'a' });
  });

  test.each([
    [['--questions', '8'], '--questions is "8": it must be a whole number from 24 to 9999999'],
    [['--samples', '0'], '--samples is "0": it must be a whole number from 1 to 9999999'],
    [['--length', '1e3'], '--length is "1e3": it must be a whole number from 1 to 9999999'],
    [['--speed'], /--speed/],
  ])('%j is refused', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
