import { cells } from './text.ts';

const ESCAPE = '\u001b';
// biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are made of them
const COLOUR = /\u001b\[[0-9;]*m/g;

/**
 * Lines at the foot of a terminal that are drawn again in place. The cursor rests on the empty line
 * below them, so whatever else is printed, an error or the shell's prompt, begins on a line of its own.
 */
export class LiveBlock {
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  /** Cells of each line on the screen, colour codes not counted. */
  #drawn: { text: string; cells: number }[] = [];

  constructor(write: (text: string) => void, columns: () => number) {
    this.#write = write;
    this.#columns = columns;
  }

  /** Replace the lines on the screen, in one write so that nothing flickers. */
  draw(lines: readonly string[]): void {
    this.#write(this.#erase() + lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.map((text) => ({ text, cells: cells(text.replace(COLOUR, '')) }));
  }

  /** Print lines that stay, above the block. */
  above(lines: readonly string[]): void {
    const block = this.#drawn.map(({ text }) => text);
    const erased = this.#erase();
    this.#write(erased + [...lines, ...block].map((line) => `${line}\n`).join(''));
  }

  /** Leave the lines where they are for good. */
  release(): void {
    this.#drawn = [];
  }

  /** Up to the block's first row and clear from there. A window made narrower has wrapped lines into more rows. */
  #erase(): string {
    const columns = this.#columns();
    const rows = this.#drawn.reduce((total, line) => total + Math.max(1, Math.ceil(line.cells / columns)), 0);
    return rows === 0 ? '' : `${ESCAPE}[${rows}A\r${ESCAPE}[0J`;
  }
}
