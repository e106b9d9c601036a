/** A piece of a text that may hold an answer. */
export interface Span {
  /** Of the whole piece, its delimiters included. */
  start: number;
  end: number;
  /** What stands between the delimiters, trimmed. */
  content: string;
}

/** Longest text between two spans of one answer, in characters. */
const MAX_JOINT = 60;

/**
 * The last span with those before it that belong to the same answer: `$x=1$ and $x=2$`, `\boxed{1}, \boxed{2}`.
 * They belong together when only blanks, commas, `and`, `or`, a row of one sign (`+++`), math delimiters or a label
 * (`y =`) stand between them, in one line or after a comma. Two of the same content are one.
 *
 * @param joint what else may stand before the comma, `and` or `or`; nothing by default
 */
export function lastCluster(text: string, spans: readonly Span[], joint = ''): Span | undefined {
  const link = linkOf(joint);
  let first = spans.length - 1;
  while (first > 0 && joins(text, spans[first - 1] as Span, spans[first] as Span, link)) first--;
  return merged(spans.slice(first));
}

/** The first span with those after it that belong to the same answer. */
export function firstCluster(text: string, spans: readonly Span[]): Span | undefined {
  const link = linkOf('');
  let end = 1;
  while (end < spans.length && joins(text, spans[end - 1] as Span, spans[end] as Span, link)) end++;
  return merged(spans.slice(0, end));
}

function merged(spans: readonly Span[]): Span | undefined {
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const content = [...new Set(spans.map((span) => span.content))].join(', ');
  return { start: first.start, end: last.end, content };
}

function linkOf(joint: string): RegExp {
  return new RegExp(`^\\s*${joint}(?:[,;]|[,;]?\\s*(?:and|or)|([+*|~])\\1+)\\s*$`);
}

function joins(text: string, left: Span, right: Span, link: RegExp): boolean {
  if (right.start - left.end > MAX_JOINT) return false;
  const between = text
    .slice(left.end, right.start)
    .replace(/\\(?:text|mbox|textrm|mathrm)\s*\{([^{}]*)\}/g, ' $1 ')
    .replace(/\\q?quad|\\[ ,;:!()[\]]|[$~]/g, ' ')
    .replace(/[A-Za-z]\w{0,2}\s*=\s*$/, '');
  if (/\n\s*\n/.test(between)) return false;
  if (/^[^\S\n]*$/.test(between)) return true;
  return link.test(between);
}

const MATH_ENVIRONMENT = String.raw`\\(?:begin|end)\{(?:equation|align|aligned|gather|gathered|multline|displaymath|math)\*?\}`;
const MATH_TOKEN = new RegExp(String.raw`\\\\|\\\$|\\[()[\]]|${MATH_ENVIRONMENT}|\$\$|\$|\n[^\S\n]*\n`, 'g');

/** What closes a delimiter. */
const CLOSE: Readonly<Record<string, string>> = { $: '$', $$: '$$', '\\(': '\\)', '\\[': '\\]' };

/**
 * The mathematics of a text between `$`, `$$`, `\(`, `\[` or in an environment such as `align`, in order. A `$` that is
 * money opens nothing: what follows it up to the next is a phrase of words or an empty line, or that next one stands
 * before a digit. One pass.
 */
export function mathSpans(text: string): Span[] {
  const spans: Span[] = [];
  let open: { delimiter: string; start: number; inside: number } | undefined;
  for (const { 0: token, index } of text.matchAll(MATH_TOKEN)) {
    const end = index + token.length;
    if (token === '\\\\' || token === '\\$') continue;
    if (open === undefined) {
      if (token.startsWith('\\begin') || CLOSE[token]) open = { delimiter: token, start: index, inside: end };
    } else if (token.startsWith('\n')) {
      // Money: an inline formula has no empty line.
      if (open.delimiter === '$' || open.delimiter === '\\(') open = undefined;
    } else if (token === closeOf(open.delimiter)) {
      const content = text.slice(open.inside, index).trim();
      const money = token === '$' && (/\d/.test(text[end] ?? '') || isPhrase(content));
      if (money) open = { delimiter: '$', start: index, inside: end };
      else {
        if (content !== '') spans.push({ start: open.start, end, content });
        open = undefined;
      }
    }
  }
  return spans;
}

function closeOf(delimiter: string): string | undefined {
  return delimiter.startsWith('\\begin') ? delimiter.replace('begin', 'end') : CLOSE[delimiter];
}

/** Two words in a row, macros and their texts aside, which no formula has. */
function isPhrase(content: string): boolean {
  const plain = content.slice(0, 400).replace(/\\(?:text[a-z]*|mbox|mathrm|operatorname)\s{0,3}\{[^{}]*\}/g, ' ');
  return /(?<![\\{A-Za-z])[a-z]{3,30} [a-z]{2,30}(?![}A-Za-z])/.test(plain);
}
