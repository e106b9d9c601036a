/** Macros that only say how their text is set. */
const STYLE = /\\(?:text|textbf|textit|texttt|textrm|mathrm|mathbf|mathit|mathtt|mbox)\s*\{([^{}]*)\}/g;

/** A text without what TeX and Markdown say about its looks: `$\textbf{(B)}$` is `(B)`. */
export function plainText(text: string): string {
  return text
    .replace(STYLE, '$1')
    .replace(/\$|\*\*|\\[()[\]]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
