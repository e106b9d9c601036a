import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { finalAnswer } from '../../../../ts/page/client/finalAnswer.ts';
import { visible, visibleLine } from '../../../../ts/page/client/visible.ts';

test.each([
  ['a\u0000b', 'a␀b'],
  ['\u001b[31m', '␛[31m'],
  ['a\u202eb', 'a⟨U+202E⟩b'],
  ['\u007f\u0085', '␡⟨U+0085⟩'],
  ['\ud800 alone', '⟨U+D800⟩ alone'],
  ['\u{e0041}', '⟨U+E0041⟩'],
  ['line\nand\ttab, 😀, é, 数, p̂', 'line\nand\ttab, 😀, é, 数, p̂'],
])('%j is shown as %j', (text, shown) => expect(visible(text)).toBe(shown));

test('whatever is written, nothing in it is left that hides, turns or rings', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(visible(text)).not.toMatch(/[^\P{Cc}\n\t]|[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u);
      expect(visibleLine(text)).not.toMatch(/[\n\t]/);
    }),
  );
});

test('a line break is a sign in a line', () => expect(visibleLine(' a\n  b\tc ')).toBe('a ⏎ b c'));

test.each([
  ['so \\boxed{4}.', ['so ', '\\boxed{4}', '.']],
  ['\\boxed{1} or \\boxed{\\frac{1}{2}} then', ['\\boxed{1} or ', '\\boxed{\\frac{1}{2}}', ' then']],
  ['\\boxed{\\{1, 2\\}}', ['', '\\boxed{\\{1, 2\\}}', '']],
  ['\\boxed{4', null],
  ['no answer', null],
])('the final answer of %j', (text, parts) => expect(finalAnswer(text)).toEqual(parts));
