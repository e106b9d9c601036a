import { Budget, LIMITS, type RefusalReason } from './budget.ts';
import { clean } from './clean.ts';
import { dateOf } from './dates.ts';
import { interpret, phrase } from './interpret.ts';
import type { Meaning } from './meaning.ts';
import { parse } from './parser.ts';
import { refusalOf } from './scalar.ts';
import { BARE_MACROS, isWord, NUMBER_WORDS, plainWords } from './words.ts';

/** An answer, read once. */
export interface Answer {
  /** As it was given, without blanks at the ends. */
  text: string;
  /** null: none was found, because of `refusal`. */
  meaning: Meaning | null;
  refusal: RefusalReason | null;
  /** The number of `1000,99`, which is first read as a list; null for all else. */
  alternative: Meaning | null;
  /** Counts the work on this answer: reading it, and later the values of its expressions. */
  budget: Budget;
}

/**
 * Read an answer. Never throws. The work is linear in the length of the text but for the values in it, which the budget
 * bounds.
 *
 * @param repair mend unbalanced braces and the like
 */
export function readAnswer(text: string, repair: boolean): Answer {
  const budget = new Budget();
  if (text.length > LIMITS.characters) return { text, meaning: null, refusal: 'characters', alternative: null, budget };
  const trimmed = text.trim();
  const meaning = refusalOf(() => meaningOf(clean(trimmed), budget, repair));
  if (typeof meaning !== 'string')
    return { text: trimmed, meaning, refusal: null, alternative: withPoint(trimmed, budget), budget };
  return { text: trimmed, meaning: null, refusal: meaning, alternative: null, budget };
}

/** Digits with a decimal comma. */
function withPoint(text: string, budget: Budget): Meaning | null {
  return /^\$?-?(?:0,[0-9]+|[0-9]+,[0-9]{2})\$?$/.test(text)
    ? interpret(parse(text.replace(',', '.'), budget, false), budget)
    : null;
}

/** `(B) 17`, `\textbf{(B)}\ 17`, `B. 17`; the gaps are bounded, so that no input makes the match slow. */
const CHOICE =
  /^(?:\\[a-z]{4,8} ?\{ ?)?\(?([A-J]) ?[).:] ?\}?(?: |\\ |~|\\,|\\quad |\}){1,6}(?=[^ ,])(?!and|or|\\text)/;

function meaningOf(text: string, budget: Budget, repair: boolean): Meaning {
  const words = wordsOnly(text) ?? dateOf(text);
  if (words !== null) return words;
  const choice = CHOICE.exec(text);
  if (choice !== null) {
    const rest = text.slice(choice[0].length);
    const value = refusalOf(() => interpret(parse(rest, budget, repair), budget));
    return { kind: 'choice', letter: choice[1] ?? '', value: typeof value === 'string' ? phrase(rest) : value };
  }
  return interpret(parse(text, budget, repair), budget);
}

const WRAPPED = /^\\(?:text|mbox|textbf|textit|textrm|mathrm|hbox|textnormal) ?\{([^{}\\$]*)\}[. ]*$/;

/** Is the text a name, a sentence or several names, without any formula? */
function wordsOnly(text: string): Meaning | null {
  const plain = text.replaceAll('$', '');
  const inner = WRAPPED.exec(plain)?.[1] ?? plain;
  if (NUMBER_WORDS.has(plainWords(inner))) return null;
  if (!/^[A-Za-z ,.;!?'"\n-]+$/.test(inner)) return null;
  if (isLoneWord(inner)) return phrase(inner);
  const runs = inner.split(/[^A-Za-z]+/).filter((run) => run !== '');
  if (
    !runs.some(isWord) ||
    runs.some((run) => BARE_MACROS.has(run) && run.length > 2 && !['max', 'min', 'left', 'right'].includes(run))
  )
    return null;
  const names = inner
    .split(/,|\band\b|\bor\b/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length < 2 || names.some((name) => name.split(' ').length > 2)) return phrase(inner);
  return { kind: 'collection', braces: false, items: names.map(phrase) };
}

/** `cat` is a word, but `xyz` has no vowel and `abc` is in the order of a product. */
function isLoneWord(text: string): boolean {
  return (
    /^[a-z]{3}$/.test(text) && /[aeiou]/.test(text) && !BARE_MACROS.has(text) && [...text].sort().join('') !== text
  );
}
