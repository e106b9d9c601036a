import { lastCluster, mathSpans, type Span } from './spans.ts';

/** Words that formulas are written with. */
const FORMULA_WORDS = new Set(
  'and or sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp sqrt lcm gcd mod max min pi deg frac'.split(
    ' ',
  ),
);

/** Words that make a sentence of a text. */
const SENTENCE_WORDS =
  /(?<![A-Za-z\\])(?:is|are|was|equals?|gives?|get|have|thus|therefore|hence|so|since|because|that|which|we|our|answer|solution)(?![A-Za-z])/i;

/** Three words in a row; those of a formula or a list have something in between. */
const PHRASE = /[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}/;

/** The last of these begins what a sentence says. */
const VERB = /(?<![A-Za-z\\])(?:is|are|be|equals)(?![A-Za-z])\s*:?/g;

/** A number as people write it: thousands, decimals, a fraction, a percent sign; or a LaTeX fraction of short parts. */
const NUMBER =
  /(?:[+\-\u2212]\s?)?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\/\d+)?(?:\s?\\?%)?|[+\-\u2212]?\\[dt]?frac\{[^{}]{1,40}\}\{[^{}]{1,40}\}/g;

/** Longest sentence that is looked into, in characters. */
const MAX_SENTENCE = 400;

/**
 * What a text is the answer of: itself where it is a formula, a value with its unit or a few words, else what its
 * last sentences come down to.
 */
export interface Reading {
  answer: string;
  /** The answer is no more than the right-most formula or number among sentences. */
  guess: boolean;
}

/**
 * Read a text without boxes or marked answers. Formulas are never sentences, however long: macros, texts inside of them
 * and words such as `sin` do not count as words. Of sentences the answer is the right-most formula or number, or all that
 * follows the last `is` where that holds both.
 */
export function readProse(text: string): Reading {
  const spans = mathSpans(text);
  const whole = spans.length === 1 && isBlank(text.slice(0, spans[0]?.start) + text.slice(spans[0]?.end));
  if (whole) return { answer: (spans[0] as Span).content, guess: false };
  const plain = plainText(withoutSpans(text, spans));
  const before = plainWords(text.slice(0, spans[0]?.start ?? 0)).length;
  const phrase = plainWords(plain).length >= 6 && PHRASE.test(plain);
  if (!SENTENCE_WORDS.test(plain) && !phrase && before === 0) return { answer: text.trim(), guess: false };
  const number = lastNumber(text);
  const formula = lastCluster(text, spans);
  const target = number !== undefined && number.start >= (formula?.end ?? 0) ? number : formula;
  if (target === undefined) return { answer: text.trim(), guess: false };
  const said = afterVerb(text, target);
  return { answer: said ?? target.content, guess: said === undefined };
}

/** The right-most number, with its sign and percent sign; one that is glued to letters before it is a name (`x2`, `H2O`). */
export function lastNumber(text: string): Span | undefined {
  let last: Span | undefined;
  for (const { 0: token, index } of text.matchAll(NUMBER)) {
    const before = text[index - 1] ?? '';
    const signed = /^[+\-\u2212]/.test(token);
    if (!signed && /[A-Za-z_^]/.test(before)) continue;
    // Between two numbers a sign is an operation.
    const content = (signed && /[\w)}\]$]/.test(before) ? token.slice(1) : token)
      .replace(/[\s$]/g, '')
      .replace(/,+$/, '');
    last = { start: index, end: index + token.length, content };
  }
  return last;
}

/** All from the last verb before a place to the end of its sentence, where that is no prose itself. */
function afterVerb(text: string, target: Span): string | undefined {
  const from = Math.max(0, target.start - MAX_SENTENCE);
  const verb = [...text.slice(from, target.start).matchAll(VERB)].at(-1);
  if (verb === undefined) return undefined;
  const start = from + verb.index + verb[0].length;
  const end = sentenceEnd(text, Math.max(start, target.end));
  const rest = text.slice(start, end).trim();
  if (end - start > MAX_SENTENCE || rest === '' || /[.!?]\s|\n/.test(rest)) return undefined;
  const spans = mathSpans(rest);
  const plain = plainText(withoutSpans(rest, spans));
  const before = plainWords(rest.slice(0, spans[0]?.start ?? 0)).length;
  if (SENTENCE_WORDS.test(plain) || before > 0 || plainWords(plain).length > 3) return undefined;
  return spans.length === 1 && isBlank(plain) ? (spans[0] as Span).content : rest;
}

/** Where the sentence ends that a place lies in: at a line's end, or at a full stop with a blank behind it. */
export function sentenceEnd(text: string, from: number): number {
  const end = /\n|[.!?](?=\s|$)|<\||<\/answer>/.exec(text.slice(from, from + 2 * MAX_SENTENCE))?.index;
  return end === undefined ? Math.min(text.length, from + 2 * MAX_SENTENCE) : from + end;
}

function withoutSpans(text: string, spans: readonly Span[]): string {
  let result = '';
  let from = 0;
  for (const span of spans) {
    result += `${text.slice(from, span.start)} `;
    from = span.end;
  }
  return result + text.slice(from);
}

/** A text without macros and without what stands inside of `\\text{}` and the like. */
function plainText(text: string): string {
  return text.replace(
    /\\(?:begin|end|text[a-z]*|mbox|mathrm|mathbf|operatorname)\s{0,3}\{[^{}]{0,200}\}|\\[A-Za-z]+/g,
    ' ',
  );
}

/** Words of two letters and more, those of formulas left out. */
function plainWords(text: string): string[] {
  const words = plainText(text).match(/[A-Za-z]{2,}/g);
  return (words ?? []).filter((word) => !FORMULA_WORDS.has(word.toLowerCase()));
}

function isBlank(text: string): boolean {
  return /^[\s.,;:]*$/.test(text);
}
