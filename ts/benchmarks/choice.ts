import { sameAnswer } from '../domain/answers/compare.ts';
import { MAX_EXTRACTED } from '../domain/answers/extract.ts';
import { boxedAnswer } from '../domain/answers/phrases.ts';
import { LETTERS } from './letters.ts';
import { plainText, withoutEnd } from './plainText.ts';

/** `The answer is (B)`, `Answer: B`. Without parentheses A and I may be words: then nothing may follow but punctuation. */
const STATED =
  /(?<![A-Za-z])answer(?:\*\*)?(?:\s{1,3}is|\s{0,3}:)[\s:*$]{0,6}(?:\\(?:text|textbf|mathrm|mathbf)\{)?(?:\(\s?([A-Za-z])\s?\)|([A-Z])(?![A-Za-z0-9'])(?:(?<![AI])|(?=[.,;:)*$}\n]|\s*$)))/gi;

/**
 * The choice that a response makes, as a letter: what its last box holds (several in a sentence are a list), and only
 * where it has no box, what it last says that the answer is. A box may hold the letter (`B`, `(B)`, `B. Paris`), or the
 * text of one choice alone, or an answer of the same value (`0.5` for 1/2). Nothing is guessed: what fits no choice, or
 * several, is none. Linear in the length of the response, of which the last 200,000 characters count.
 *
 * @returns null where no letter of a choice can be read
 */
export function chosenLetter(response: string, choices: readonly string[]): string | null {
  const text = response.slice(-MAX_EXTRACTED);
  const letters = LETTERS.slice(0, choices.length);
  const box = boxedAnswer(text);
  if (box === null) return null;
  if (box !== undefined) return boxedLetter(plainText(box), choices, letters);
  const stated = [...text.matchAll(STATED)].filter(([, inner, bare]) => inner !== undefined || isCapital(bare)).at(-1);
  return known((stated?.[1] ?? stated?.[2])?.toUpperCase(), letters);
}

function boxedLetter(content: string, choices: readonly string[], letters: readonly string[]): string | null {
  const alone = /^(?:(?:choice|option|answer)\s+)?(?:\(\s?([A-Za-z])\s?\)|([A-Za-z]))[.:)]?$/i.exec(content);
  const bare = alone?.[2] ?? '';
  // A capital is the letter that was asked for, even where it is also the text of a choice: carbon among elements.
  if (isCapital(bare) || alone?.[1] !== undefined) return known((alone?.[1] ?? bare).toUpperCase(), letters);
  const byText = letterOfText(content, choices, letters);
  if (byText !== null || bare !== '') return byText ?? known(bare.toUpperCase() || undefined, letters);
  const [, given, rest = ''] = /^\(?([A-Z])(?:\)|[.:])\s*(\S.*)$/.exec(content) ?? [];
  const letter = known(given, letters);
  const other = letterOfText(rest, choices, letters);
  return letter !== null && other !== null && other !== letter ? null : letter;
}

/** The letter of the one choice that has this text or, where none has, this value. */
function letterOfText(content: string, choices: readonly string[], letters: readonly string[]): string | null {
  if (content === '') return null;
  const wanted = folded(content);
  const texts = letters.filter((_, index) => folded(choices[index] ?? '') === wanted);
  const found = texts.length > 0 ? texts : letters.filter((_, index) => sameAnswer(choices[index] ?? '', content));
  return found.length === 1 ? (found[0] ?? null) : null;
}

function folded(text: string): string {
  return withoutEnd(plainText(text), '. ').toLowerCase();
}

function known(letter: string | undefined, letters: readonly string[]): string | null {
  return letter !== undefined && letters.includes(letter) ? letter : null;
}

function isCapital(letter = ''): boolean {
  return /^[A-Z]$/.test(letter);
}
