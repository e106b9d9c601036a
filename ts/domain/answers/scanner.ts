/** What repeats the digits behind a point. */
export const REPEATS = /^(?:\\overline|\\bar|\\dot|\()/;

/** A place in the text of an answer, and the pieces that can be read from there. */
export class Scanner {
  protected readonly text: string;
  protected at = 0;
  /** Open brackets other than braces of groups. */
  protected brackets = 0;

  constructor(text: string) {
    this.text = text;
  }

  protected digits(): string {
    const start = this.at;
    while (isDigit(this.text[this.at])) this.at++;
    return this.text.slice(start, this.at);
  }

  /**
   * Three more digits behind a thousands separator, else ''. A bare comma or blank separates thousands only outside
   * brackets, where `(100,200)` is a point.
   */
  protected group(): string {
    const rest = this.text.slice(this.at, this.at + 12);
    const separator =
      /^(?:\{,\}|,\\! ?|\{\\,\}|\\[,;: ]|\\!,|~)/.exec(rest)?.[0] ??
      (this.brackets === 0 ? /^[, ]/.exec(rest)?.[0] : undefined);
    if (separator === undefined) return '';
    const start = this.at + separator.length;
    const digits = this.text.slice(start, start + 3);
    if (!/^[0-9]{3}$/.test(digits) || isDigit(this.text[start + 3])) return '';
    this.at = start + 3;
    return digits;
  }

  /** The balanced argument `{...}` at the cursor, or one character; the cursor moves behind it. */
  protected argument(): string {
    const start = this.afterBlanks(this.at);
    if (this.text[start] !== '{') {
      this.at = Math.min(start + 1, this.text.length);
      return this.text[start] ?? '';
    }
    const end = this.closing(start);
    this.at = Math.min(end + 1, this.text.length);
    return this.text.slice(start + 1, end);
  }

  /** The place of the brace that closes the one at `start`, or the end of the text. */
  protected closing(start: number): number {
    let depth = 0;
    for (let i = start; i < this.text.length; i++) {
      if (this.text[i] === '\\') i++;
      else if (this.text[i] === '{') depth++;
      else if (this.text[i] === '}' && --depth === 0) return i;
    }
    return this.text.length;
  }

  protected afterBlanks(from: number): number {
    let i = from;
    while (isBlank(this.text[i])) i++;
    return i;
  }
}

export function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}

export function isLetter(character: string | undefined): boolean {
  return character !== undefined && ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z'));
}

export function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r' || character === '~';
}
