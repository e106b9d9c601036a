/** Macros that only change the looks of their one argument; they and its braces go. */
const WRAPPERS = new Set(['text', 'textbf', 'textit', 'textrm', 'mathrm', 'mathbf', 'mbox', 'operatorname', 'boxed']);

/** Macros with a more common spelling, or (as a blank) none that matters. */
const SPELLINGS = new Map([
  ['left', ' '],
  ['right', ' '],
  ['quad', ' '],
  ['qquad', ' '],
  ['displaystyle', ' '],
  ['degree', ' '],
  ...['big', 'bigl', 'bigr', 'Big', 'Bigl', 'Bigr', 'bigg', 'biggl', 'biggr', 'Bigg', 'Biggl', 'Biggr'].map(
    (name): [string, string] => [name, ' '],
  ),
  ['dfrac', '\\frac'],
  ['tfrac', '\\frac'],
  ['cfrac', '\\frac'],
  ['lt', '<'],
  ['gt', '>'],
  ['le', '\\leq'],
  ['ge', '\\geq'],
  ['leqslant', '\\leq'],
  ['geqslant', '\\geq'],
  ['ne', '\\neq'],
]);

/** Characters that people type for a macro. */
const CHARACTERS = new Map([
  ['\u2212', '-'],
  ['\u2013', '-'],
  ['\u00b0', ' '],
  ['\u03c0', '\\pi '],
  ['\u221e', '\\infty '],
  ['\u2264', '\\leq '],
  ['\u2265', '\\geq '],
]);

/**
 * LaTeX without what does not change its meaning: math delimiters and dollar signs, `\left` and
 * `\right`, spacing, `\text{}` and its like, degree signs, spellings of one macro, braces around a
 * single digit, blanks other than those between words. One pass of several linear replacements; not
 * idempotent on hostile input (`\l$eft`), so callers repeat it.
 */
export function plainLatex(text: string): string {
  return foldMacros(
    text
      .replace(/[\u2212\u2013\u00b0\u03c0\u221e\u2264\u2265]/g, (character) => CHARACTERS.get(character) ?? character)
      .replace(/\\(?:left|right) ?\./g, ' ')
      .replace(/\{,\}|,\\! ?/g, ',')
      .replace(/\{([^{}]*)\\over(?![a-zA-Z])([^{}]*)\}/g, '\\frac{$1}{$2}')
      .replace(/(\d)\\,(?=\d{3}(?!\d))/g, '$1,')
      .replace(/\^ ?(?:\\circ(?![a-zA-Z])|\{ ?\\circ ?\})/g, ' '),
  )
    .replace(/\s+/g, ' ')
    .replace(/\\(frac|sqrt) ?(\d)/g, '\\$1{$2}')
    .replace(/(\\frac\{[^{}]*\}) ?(\d)/g, '$1{$2}')
    .replace(/([\^_])\{([0-9A-Za-z])\}(?![0-9A-Za-z])/g, '$1$2')
    .replace(/ (?![0-9A-Za-z])|(?<![0-9A-Za-z,]) |(?<=\d) (?=[A-Za-z])/g, '');
}

/** Walks over macros, escaped characters and braces; a `\\` (line break) is one token, so `\\,` is never read as `\,`. */
function foldMacros(text: string): string {
  let result = '';
  let unwrap = false;
  const kept: boolean[] = [];
  for (const [token] of text.matchAll(/\\[a-zA-Z]+|\\[^a-zA-Z]|[{}]|[^\\{}]+|\\/g)) {
    if (token === '{') {
      result += unwrap ? ' ' : '{';
      kept.push(!unwrap);
      unwrap = false;
    } else if (token === '}') {
      result += kept.pop() === false ? ' ' : '}';
    } else if (token[0] !== '\\') {
      if (token.trim() !== '') unwrap = false;
      result += token.replaceAll('$', ' ');
    } else {
      const name = token.slice(1);
      unwrap = WRAPPERS.has(name);
      result += unwrap ? ' ' : (SPELLINGS.get(name) ?? symbol(name) ?? token);
    }
  }
  return result;
}

/** An escaped character that is a blank, a delimiter or a sign; undefined for what must stay as it is. */
function symbol(character: string): string | undefined {
  if (/^[,;:!>\s$()[\]]$/.test(character)) return ' ';
  return character === '%' ? '%' : undefined;
}
