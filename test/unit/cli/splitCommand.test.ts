import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitCommand } from '../../../ts/cli/splitCommand.ts';

test.each([
  ['', []],
  ['  ./worker   --fast ', ['./worker', '--fast']],
  [`python "my worker.py" --name 'a "b" c'`, ['python', 'my worker.py', '--name', 'a "b" c']],
  [String.raw`a\ b "c\"d" 'e\f' "g\h"`, ['a b', 'c"d', String.raw`e\f`, String.raw`g\h`]],
  [`--text='two words'`, ['--text=two words']],
  [`a "" b`, ['a', '', 'b']],
  ['echo $HOME | cat', ['echo', '$HOME', '|', 'cat']],
])('%s', (line, words) => {
  expect(splitCommand(line)).toEqual(words);
});

test.each([`'open`, `"open`, `a 'b" c`])('%s has an open quote', (line) => {
  expect(() => splitCommand(line)).toThrow(/is not closed/);
});

test('any words come back from how they are quoted', () => {
  const quoteOf = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  const doubled = (word: string) => `"${word.replace(/["\\]/g, (special) => `\\${special}`)}"`;
  fc.assert(
    fc.property(fc.array(fc.string()), (words) => {
      expect(splitCommand(words.map(quoteOf).join(' '))).toEqual(words);
      expect(splitCommand(words.map(doubled).join('\t'))).toEqual(words);
    }),
  );
});
