/** A word as a POSIX shell reads it back: bare where nothing in it means anything, else in single quotes. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Words of one command. */
export function command(words: readonly string[]): string {
  return words.map(quote).join(' ');
}
