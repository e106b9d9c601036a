/** Macros that only say how their text is set. */
const STYLE = /\\(?:text|textbf|textit|texttt|textrm|mathrm|mathbf|mathit|mathtt|mbox)\s*\{([^{}]*)\}/g;

/** A text without what TeX and Markdown say about its looks: `$\textbf{(B)}$` is `(B)`. */
export function plainText(text: string): string {
  return unstyled(text)
    .replace(/\$|\*\*|\\[()[\]]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** A text without macros that say how it is set; all else stays. */
export function unstyled(text: string): string {
  return text.replace(STYLE, '$1');
}

/** A text without any of these characters at its end. Linear, which a pattern of them before `$` is not. */
export function withoutEnd(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1] as string)) end--;
  return text.slice(0, end);
}
