const CSI = '\u001b[';
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal reads them
const TOKEN = /\u001b\[[0-9;]*[A-Za-z]|[\s\S]/g;

/**
 * A terminal, as far as a reporter uses one: text, line ends, cursor up, erase below, colours. What it
 * holds is what a person would see.
 */
export class Screen {
  readonly columns: number;
  /** Everything written, escape codes included. */
  raw = '';
  #rows: string[] = [''];
  #row = 0;
  #column = 0;

  constructor(columns: number) {
    this.columns = columns;
  }

  readonly write = (text: string): void => {
    this.raw += text;
    for (const [token] of text.matchAll(TOKEN)) this.#take(token);
  };

  /** The rows, without trailing space and without empty rows at the end. */
  text(): string {
    return this.#rows
      .map((row) => row.trimEnd())
      .join('\n')
      .trimEnd();
  }

  /** Where the cursor is, from 0. */
  cursor(): { row: number; column: number } {
    return { row: this.#row, column: this.#column };
  }

  #take(token: string): void {
    if (token === '\n') {
      this.#row++;
      this.#column = 0;
      this.#rows[this.#row] ??= '';
    } else if (token === '\r') {
      this.#column = 0;
    } else if (token.startsWith(CSI) && token.endsWith('A')) {
      this.#row -= Number(token.slice(2, -1));
      if (this.#row < 0) throw new Error('cursor above the first row');
    } else if (token === `${CSI}0J`) {
      this.#rows.length = this.#row + 1;
      this.#rows[this.#row] = (this.#rows[this.#row] ?? '').slice(0, this.#column);
    } else if (token.startsWith(CSI) && token.endsWith('m')) {
      // A colour takes no room.
    } else if (token < ' ') {
      throw new Error(`unexpected control character ${JSON.stringify(token)}`);
    } else {
      if (this.#column >= this.columns) this.#take('\n');
      const row = this.#rows[this.#row] ?? '';
      this.#rows[this.#row] = row.slice(0, this.#column).padEnd(this.#column) + token + row.slice(this.#column + 1);
      this.#column++;
    }
  }
}
