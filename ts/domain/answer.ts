import { plainLatex } from './latex.ts';
import { canonicalRational } from './rational.ts';

/** Longer answers are compared as they stand. */
const MAX_LENGTH = 4096;

/** Rounds of cleaning before an answer counts as hostile and is compared as it stands; real ones settle in two. */
const MAX_ROUNDS = 8;

/**
 * The form in which answers are compared and counted: two answers are the same iff their keys are
 * equal, so a vote is a hash count and no pair is ever handed to an algebra system. Bounded work
 * on any input.
 *
 * - Integers, decimals, `a/b` and `\frac{a}{b}` become exact reduced fractions: 0.5, 1/2, \dfrac12, 2/4.
 *   Thousands separators (`1,000`, `1{,}000`, `1\,000`), leading zeros and a plus sign do not matter.
 *   `1, 234` with a space is a list of two. 2\frac13 is 7/3. So it is for each element of a tuple or list.
 * - A trailing period goes. A trailing percent sign goes: 50% is 50, never 1/2. Currency and degree signs go.
 * - Anything else is compared as text after {@link plainLatex}. Units stay: 5 cm is not 5. Capitalised words are
 *   lower-cased (Yes = yes); single letters and formulas keep their case.
 *
 * What it does not know counts as different: (1,2) and (2,1), x=5 and 5, \sqrt{8} and 2\sqrt{2}.
 * That way a wrong merge, which would fake agreement, is rarer than a missed one.
 *
 * @returns the key; idempotent: the key of a key is itself
 */
export function answerKey(answer: string): string {
  const trimmed = answer.trim();
  if (trimmed.length > MAX_LENGTH) return trimmed;
  let text = trimmed;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const cleaned = clean(text);
    // Nothing but decoration: `$` and `.` are not the same answer.
    if (cleaned === '') return trimmed;
    if (cleaned === text) return text;
    text = cleaned;
  }
  return trimmed;
}

/** Do two answers vote together? An equivalence relation: equality of {@link answerKey}. */
export function sameAnswer(a: string, b: string): boolean {
  return a === b || answerKey(a) === answerKey(b);
}

function clean(text: string): string {
  const plain = withoutEnding(plainLatex(text));
  const number = canonicalRational(plain);
  if (number !== null) return number;
  const list = plain.replace(/, ?/g, ', ').trimEnd().split(', ').map(element).join(', ');
  return /^[A-Za-z' -]+$/.test(list) ? list.replace(/\b[A-Z][a-z]+\b/g, (word) => word.toLowerCase()) : list;
}

/** An element of a list, tuple, set or interval, with the bracket that it stands next to. */
function element(text: string): string {
  const [, open = '', inner = '', close = ''] = /^((?:[([]|\\\{)*)(.*?)((?:[)\]]|\\\})*)$/s.exec(text) ?? [];
  return open + (canonicalRational(inner) ?? inner) + close;
}

/** Without one final period (an ellipsis stays: 0.333... is not 0.333) and final percent signs. */
function withoutEnding(text: string): string {
  let end = text.length;
  if (text[end - 1] === '.' && text[end - 2] !== '.') end--;
  while (text[end - 1] === '%') end--;
  return text.slice(0, end);
}
