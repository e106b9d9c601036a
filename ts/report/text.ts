import { GIB, MIB } from '../placement/units.ts';

const KIB = 1024;

/**
 * One line that is safe to print: control characters (a model may write escape sequences) and line
 * breaks become single spaces.
 */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this removes
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g, ' ').trim();
}

/**
 * A text of several lines that is safe to print: control characters but line breaks and tabs are written out, as \u001b is
 * (a model, or whoever made a data set, may write escape sequences).
 */
export function visible(text: string): string {
  const written = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return (
    text
      .replaceAll('\r\n', '\n')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this shows
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, written)
  );
}

/** Terminal cells a text takes: 2 for East Asian wide characters and emoji, 0 for combining marks. */
export function cells(text: string): number {
  let total = 0;
  for (const character of text) total += cellsOf(character);
  return total;
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

function cellsOf(character: string): number {
  if (character < '\u0300') return 1;
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0;
  return WIDE.test(character) || (character.codePointAt(0) ?? 0) >= 0x20000 ? 2 : 1;
}

/** Cut a text to at most `width` cells; a cut shows as `...` where there is room for it. */
export function shorten(text: string, width: number): string {
  if (cells(text) <= width) return text;
  const mark = width > 6 ? '...' : '';
  let kept = '';
  let used = mark.length;
  for (const character of text) {
    used += cellsOf(character);
    if (used > width) break;
    kept += character;
  }
  return kept.trimEnd() + mark;
}

/**
 * Cut a text to at most `width` cells in its middle, at words. Two thirds of what is left are its end,
 * because that is where a question asks.
 */
export function shortenMiddle(text: string, width: number): string {
  if (cells(text) <= width) return text;
  const words = text.split(' ');
  let end = '';
  while (cells(`${words.at(-1)} ${end}`) <= (2 * width) / 3) end = `${words.pop()} ${end}`;
  let head = '';
  while (cells(`${head}${words[0]} ... ${end}`) <= width + 1) head += `${words.shift()} `;
  // A single word that is too long, or a script without spaces.
  if (head === '') return shorten(text, width);
  return `${head}... ${end}`.trimEnd();
}

/** Pad with spaces on the right up to `width` cells. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - cells(text)));
}

/** Pad with spaces on the left up to `width` cells. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - cells(text))) + text;
}

/** Seconds for people: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-';
  if (seconds < 0.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/** A count for people: `812`, `320.5 k`, `1.7 M`, `4 B`. */
export function amount(count: number): string {
  const units: [number, string][] = [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'k'],
  ];
  for (const [size, unit] of units) {
    if (count >= size) return `${Number((count / size).toFixed(count >= 100 * size ? 0 : 1))} ${unit}`;
  }
  return String(count);
}

/** Bytes for people: `212 GiB`, `4.6 GiB`, `12.3 MiB`, `812 B`. */
export function size(bytes: number): string {
  if (bytes < KIB) return `${bytes} B`;
  const [unit, name] = bytes < MIB ? [KIB, 'KiB'] : bytes < GIB ? [MIB, 'MiB'] : [GIB, 'GiB'];
  return `${(bytes / unit).toFixed(bytes < 100 * unit ? 1 : 0)} ${name}`;
}

/** `1 step`, `2 steps`. The noun is given in the plural. */
export function plural(count: number, nouns: string): string {
  return `${count} ${count === 1 ? nouns.replace(/s$/, '') : nouns}`;
}

/** Lay rows of text out in columns two spaces apart; `right` names the columns that align right. */
export function columns(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const widths = Array.from({ length: Math.max(0, ...rows.map((row) => row.length)) }, (_, i) =>
    Math.max(0, ...rows.map((row) => cells(row[i] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => (right.includes(i) ? padStart : padEnd)(cell, widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Break a paragraph into lines of at most `width` cells, at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (cells(longer) > width && line !== '') {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return line === '' ? lines : [...lines, line];
}
