import { lastCluster, mathSpans, type Span } from './spans.ts';

/** Words that formulas are written with. */
const FORMULA_WORDS = new Set(
  'and or sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln exp sqrt lcm gcd mod max min pi deg frac'.split(
    ' ',
  ),
);

/** Words that make a sentence of a text: `all real numbers but 0` is an answer, `it is 0` says one. */
const SENTENCE_WORDS =
  /(?<![A-Za-z\\])(?:is|it's|that's|are|was|equals?|gives?|gets?|have|has|thus|therefore|hence|so|we|answer)(?![A-Za-z])/i;

/** Words of a text that is no answer, whatever they are. */
const MANY_WORDS = 20;

/** Three words in a row; those of a formula or a list have something in between. */
const PHRASE = /\b[A-Za-z]{2,30} [A-Za-z]{2,30} [A-Za-z]{2,30}/;

/** The last of these begins what a sentence says. */
const VERB = /(?<![A-Za-z\\])(?:is|it's|that's|are|be|equals)(?![A-Za-z])\s*:?/g;

/** A number as people write it: thousands, decimals, a fraction, a percent sign; or a LaTeX fraction of short parts. */
const NUMBER =
  /(?:[+\-\u2212]\s?)?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\/\d+)?(?:\s?\\?%)?|[+\-\u2212]?\\[dt]?frac\{[^{}]{1,40}\}\{[^{}]{1,40}\}/g;

const SIGN = /^[+\-\u2212]/;

/** Characters at the end of a text in which sentences are looked for. */
const MAX_PROSE = 20_000;

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
export function readProse(whole: string): Reading {
  const text = whole.slice(-MAX_PROSE);
  const bare = { answer: whole.trim(), guess: false };
  const spans = mathSpans(text);
  const wrapped = spans.length === 1 && isBlank(text.slice(0, spans[0]?.start) + text.slice(spans[0]?.end));
  if (wrapped) return { answer: (spans[0] as Span).content, guess: false };
  const plain = plainText(withoutSpans(text, spans));
  const labelled = spans.length > 0 && /[A-Za-z]\s{0,3}:\s{0,3}$/.test(text.slice(0, spans[0]?.start));
  const many = PHRASE.test(plain) && plainWords(plain).length >= MANY_WORDS;
  if (!SENTENCE_WORDS.test(plain) && !labelled && !many) return bare;
  const number = lastNumber(text);
  // `for all $x$`: a name alone is seldom what is sought.
  const telling = spans.filter(({ content }) => !/^\\?[A-Za-z]+$/.test(content));
  const formula = lastCluster(text, telling.length > 0 ? telling : spans);
  const target = number !== undefined && number.start >= (formula?.end ?? 0) ? number : formula;
  if (target === undefined) return bare;
  const rest = afterVerb(text, target);
  return { answer: rest ?? target.content, guess: rest === undefined };
}

/** The right-most number, with its sign and percent sign; one that is glued to letters before it is a name (`x2`, `H2O`). */
export function lastNumber(text: string): Span | undefined {
  const isName = ({ 0: token, index }: RegExpExecArray): boolean =>
    !SIGN.test(token) && /[A-Za-z_^]/.test(text[index - 1] ?? '');
  const last = [...text.matchAll(NUMBER)].findLast((match) => !isName(match));
  if (last === undefined) return undefined;
  const { 0: token, index } = last;
  // Between two numbers a sign is an operation.
  const value = SIGN.test(token) && /[\w)}\]$]/.test(text[index - 1] ?? '') ? token.slice(1) : token;
  return { start: index, end: index + token.length, content: value.replace(/[\s$]/g, '').replace(/,+$/, '') };
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
