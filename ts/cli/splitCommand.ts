/**
 * The words of a command line, as a shell has them: split at white space, with 'single quotes', "double quotes" and
 * backslashes. Nothing else is special: no variables, no patterns, no pipes.
 *
 * @throws SyntaxError when a quote is not closed
 */
export function splitCommand(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] as string;
    if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === '\\' && at + 1 < line.length && escapes(line[at + 1] as string, quote)) {
      at += 1;
      word = (word ?? '') + line[at];
    } else word = (word ?? '') + character;
  }
  if (quote !== '') throw new SyntaxError(`the quote ${quote} is not closed`);
  return word === undefined ? words : [...words, word];
}

/** Whether a backslash takes the next character as it is: always outside of quotes, before " and \ in "...". */
function escapes(next: string, quote: string): boolean {
  return quote === '' || (quote === '"' && (next === '"' || next === '\\'));
}
