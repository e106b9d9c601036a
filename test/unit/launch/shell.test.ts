import { execFileSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { command, quote } from '../../../ts/launch/shell.ts';

/** Words as a shell reads them: bare characters, and what is in single quotes or behind a backslash, as it stands. */
function read(text: string): string[] {
  return [...text.matchAll(/(?:'[^']*'|\\.|[^\s'\\])+/gs)].map(([word]) =>
    word.replace(/'([^']*)'|\\(.)/gs, (_, quoted, escaped) => quoted ?? escaped),
  );
}

test('any words are read back as they were, and nothing bare means anything to a shell', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
      expect(read(command(words))).toEqual(words);
      for (const word of words) expect(quote(word).replace(/'[^']*'|\\'/g, '')).toMatch(/^[A-Za-z0-9_./:=@%+,-]*$/);
    }),
  );
});

test('a real shell agrees', () => {
  const words = ['', "it's", '$HOME', '`id`', 'a b', '"', '\\', 'x\ny', '*', '~', '-n', 'é', '!', '#', "''"];
  const out = execFileSync('sh', ['-c', `for word in ${command(words)}; do printf '%s\\0' "$word"; done`]);
  expect(out.toString().split('\0').slice(0, -1)).toEqual(words);
});
