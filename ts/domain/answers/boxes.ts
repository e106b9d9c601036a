import type { Span } from './spans.ts';

/** What the boxes of a text hold. */
export interface Boxes {
  /** Closed boxes with something in them, in order; of nested ones the inner. */
  spans: Span[];
  /** Whether the last box is blank or never closes: the text was cut off, or the box is only talked about. */
  unfinished: boolean;
}

/** Boxes at the end of a text that are looked at: more than any answer has. */
const MAX_BOXES = 100;

/** A doubled backslash is one that was escaped on the way. */
const BOX = /\\{1,2}(?:boxed|fbox)(?![A-Za-z])/g;

/**
 * Find `\boxed{...}`, `\fbox{...}` and `\boxed 5`. Braces nest; `\{` and `\}` are literal, as in TeX. Without braces the
 * content ends at a blank or a math delimiter; a word there is no content (`put it in \boxed please`), and the macro
 * is not looked at. Linear.
 */
export function findBoxes(text: string): Boxes {
  const macros = [...text.matchAll(BOX)].slice(-MAX_BOXES);
  const closes = closingBraces(text, macros[0]?.index ?? text.length);
  const boxes: Boxes = { spans: [], unfinished: false };
  for (const { 0: macro, index: start } of macros) {
    let at = start + macro.length;
    while (/\s/.test(text[at] ?? '')) at++;
    const braced = text[at] === '{';
    const bare = braced ? '' : bareArgument(text, at);
    if (!braced && bare === '') continue;
    const end = braced ? (closes.get(at) ?? -1) + 1 : at + bare.length;
    const content = braced && end > 0 ? text.slice(at + 1, end - 1).trim() : bare;
    boxes.unfinished = content === '';
    if (content === '') continue;
    // A box around this one has begun before it and ends after it.
    while ((boxes.spans.at(-1)?.end ?? 0) >= end) boxes.spans.pop();
    boxes.spans.push({ start, end, content });
  }
  return boxes;
}

/** Where each opening brace closes. */
function closingBraces(text: string, from: number): Map<number, number> {
  const closes = new Map<number, number>();
  const open: number[] = [];
  for (const { 0: token, index } of text.slice(from).matchAll(/\\[\s\S]|[{}]/g)) {
    if (token === '{') open.push(from + index);
    else if (token === '}') {
      const start = open.pop();
      if (start !== undefined) closes.set(start, from + index);
    }
  }
  return closes;
}

/** `5`, `\frac12`, `-3.5`, `x`: an argument without braces; '' for words and nothing. */
function bareArgument(text: string, at: number): string {
  const run =
    /^(?:\\[A-Za-z]+(?:\{[^{}\n]{0,100}\})*|\{[^{}\n]{0,100}\}|\\[{}%]|[^\s$\\{}])+/.exec(
      text.slice(at, at + 400),
    )?.[0] ?? '';
  const content = run.replace(/[.,;:!?]+$/, '');
  return /^[A-Za-z]{2}/.test(content) || !/[A-Za-z0-9]/.test(content) ? '' : content;
}
