import { plainWords } from './words.ts';

/** A formula without what is of looks alone; blanks stay where they part letters or digits. */
export function formulaText(text: string): string {
  const plain = text
    .replaceAll(/\\(?:left|right|displaystyle)(?![a-zA-Z])|\\[,;:!> ]|[$~]/g, ' ')
    .replaceAll(/\s+/g, ' ');
  return plain.replaceAll(/ (?![0-9A-Za-z])|(?<![0-9A-Za-z]) /g, '').replace(/\.$/, '');
}

/** Words without the macros and braces around them. */
export function wordText(text: string): string {
  return plainWords(text.replaceAll(/\\(?:text[a-z]*|mathrm|mbox|left|right)(?![a-zA-Z])|\\[,;:! ]|[{}$]/g, ' '));
}

/** Does it hold signs of mathematics, and something for them to stand between? */
export function isFormula(text: string): boolean {
  return /[\\^_=<>+/]/.test(text) && /[0-9a-zA-Z]/.test(text.replaceAll(/\\[a-zA-Z]+/g, ''));
}

/** Does it ask for what the engine does not compute? */
export function isUnsupported(text: string): boolean {
  return /\\(?:i{1,4}nt|oint|lim|limsup|liminf|partial|nabla)(?![a-zA-Z])|[∫∂∇]/.test(text);
}
