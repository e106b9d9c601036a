import { LIMITS, Refusal } from './budget.ts';
import { FACES, NUMBER_SETS, SKIPPED, SPELLINGS, TEXTS } from './macros.ts';
import { isBlank, isDigit, isLetter, REPEATS, Scanner } from './scanner.ts';
import { BARE_MACROS, BARE_UNITS, FUNCTIONS, isWord, unitName } from './words.ts';

/**
 * A piece of an answer. `number`: digits, perhaps with a point, without separators; `symbol`: one letter; `macro`: a
 * command without its backslash; `text`: words, from `\text{}` or typed; `mark`: any other single character, with `\{`,
 * `\}`, `\\`, `\%`, `\$` as `set{`, `}set`, `\\`, `%`, `$`.
 */
export interface Token {
  kind: 'number' | 'symbol' | 'macro' | 'text' | 'mark' | 'end';
  text: string;
  /** Is there a blank before it? */
  spaced: boolean;
}

/** What may be a unit. */
const UNIT = /^[a-zA-Z][a-zA-Z .^{}0-9/-]*$/;

/** Split a cleaned answer into tokens. @throws Refusal `tokens` */
export function tokenize(text: string): Token[] {
  return new Lexer(text).run();
}

class Lexer extends Scanner {
  readonly #tokens: Token[] = [];
  #spaced = false;
  readonly #depth: number;
  /** End of the `\mathrm{...}` that the lexer is in; its runs of letters are words. */
  #wordsUntil = -1;

  constructor(text: string, depth = 0) {
    super(text);
    if (depth > LIMITS.depth) throw new Refusal('depth');
    this.#depth = depth;
  }

  run(): Token[] {
    while (this.at < this.text.length) this.#next();
    this.#push('end', '');
    return this.#tokens;
  }

  #push(kind: Token['kind'], text: string): void {
    if (this.#tokens.length >= LIMITS.tokens) throw new Refusal('tokens');
    this.#tokens.push({ kind, text, spaced: this.#spaced });
    this.#spaced = false;
  }

  #next(): void {
    const character = this.text[this.at] ?? '';
    if (isBlank(character)) {
      this.#spaced = true;
      this.at++;
    } else if (character === '\\') this.#command();
    else if (isDigit(character) || (character === '.' && this.#startsDecimal())) this.#number();
    else if (isLetter(character)) this.#letters();
    else this.#mark(character);
  }

  #mark(character: string): void {
    this.at++;
    if (character === '$') {
      // Math delimiters; `\$` is money. A bare one before a number is money too, but then there is no second one.
      this.#spaced = true;
      return;
    }
    // `12{:}30`
    if (character === '{' && this.text[this.at + 1] === '}' && ',:;='.includes(this.text[this.at] ?? ' ')) {
      this.#push('mark', this.text[this.at] ?? '');
      this.at += 2;
      return;
    }
    if (character === '.') {
      const dots = this.text.startsWith('..', this.at);
      if (dots) this.at += 2;
      if (dots) this.#push('macro', 'ldots');
      else this.#push('mark', '.');
      return;
    }
    if (character === '*' && this.text[this.at] === '*') {
      this.at++;
      this.#push('mark', '^');
      return;
    }
    const pair = character + (this.text[this.at] ?? '');
    if (pair === '<=' || pair === '>=' || pair === '!=' || pair === '==') {
      this.at++;
      if (pair === '==') this.#push('mark', '=');
      else this.#push('macro', pair === '<=' ? 'leq' : pair === '>=' ? 'geq' : 'neq');
      return;
    }
    if ('(['.includes(character)) this.brackets++;
    if (')]'.includes(character)) this.brackets = Math.max(0, this.brackets - 1);
    this.#push('mark', character);
  }

  /** `lcm` and the like, which have no macro of their own. */
  #isFunction(name: string): boolean {
    return FUNCTIONS.has(name) && name.length > 2;
  }

  #command(): void {
    const start = this.at + 1;
    const next = this.text[start] ?? '';
    if (!isLetter(next)) {
      this.at = start + 1;
      if (next === '{' || next === '}') {
        this.brackets = Math.max(0, this.brackets + (next === '{' ? 1 : -1));
        this.#push('mark', next === '{' ? 'set{' : '}set');
      } else if (next === '\\') this.#push('mark', '\\\\');
      else if (next === '%' || next === '$' || next === '#' || next === '&' || next === '_' || next === '|') {
        if (next !== '&') this.#push('mark', next);
      } else this.#spaced = true;
      return;
    }
    let end = start;
    while (isLetter(this.text[end])) end++;
    let name = this.text.slice(start, end);
    // `\quadx`
    const glued = /^q?quad(?=[a-zA-Z]$)/.exec(name)?.[0];
    if (glued !== undefined) {
      name = glued;
      end--;
    }
    this.at = this.text[end] === '*' && name === 'operatorname' ? end + 1 : end;
    this.#macro(name);
  }

  #macro(name: string): void {
    if (name.endsWith('quad') && /^ *[a-zA-Z](?:_[^ ])? *=/.test(this.text.slice(this.at, this.at + 20))) {
      this.#push('mark', ',');
      return;
    }
    if (SKIPPED.has(name)) {
      this.#spaced = true;
      // `\left.` draws no bracket.
      const blank = this.afterBlanks(this.at);
      const next = this.text[blank];
      if ((name === 'left' || name === 'right') && next === '.') this.at = blank + 1;
      if (name === 'hspace' || name === 'color' || name === 'textcolor' || name === 'phantom') this.argument();
      return;
    }
    if (TEXTS.has(name)) {
      this.#words(this.argument());
      return;
    }
    const numbers = NUMBER_SETS.get(name);
    if (numbers !== undefined) {
      this.#push('macro', numbers);
      return;
    }
    if (name === 'mathbb' || name === 'mathbf' || name === 'Bbb') {
      const letter = /^ ?(?:\{ ?([RZNQC]) ?\}|([RZNQC]))(?![a-zA-Z])/.exec(this.text.slice(this.at, this.at + 8));
      const set = NUMBER_SETS.get(letter?.[1] ?? letter?.[2] ?? '');
      if (letter !== null && set !== undefined) {
        this.at += letter[0].length;
        this.#push('macro', set);
      }
      return;
    }
    if (FACES.has(name)) {
      if (name === 'mathrm' || name === 'operatorname') this.#face();
      return;
    }
    const spelling = SPELLINGS.get(name) ?? name;
    if (spelling === 'set{' || spelling === '[') this.brackets++;
    if (spelling === '}set' || spelling === ']') this.brackets = Math.max(0, this.brackets - 1);
    if (spelling === 'textdollar') this.#push('mark', '$');
    else this.#push(/^[a-z]+$/i.test(spelling) ? 'macro' : 'mark', spelling);
  }

  /** `\mathrm{...}`: words where it holds words, else an ordinary group. */
  #face(): void {
    const start = this.afterBlanks(this.at);
    if (this.text[start] !== '{') return;
    const end = this.closing(start);
    const written = this.text.slice(start + 1, end);
    const inner = written.replaceAll('~', ' ').trim();
    const last = this.#tokens.at(-1);
    // `5 \mathrm{m}`, and `5 \mathrm{~m} / \mathrm{s}`, whose tie shows a unit
    const behind =
      last?.kind === 'number' ||
      last?.text === '}' ||
      last?.text === ')' ||
      (last?.text === '/' && this.#tokens.at(-2)?.kind === 'text');
    if (/^[a-zA-Z]$/.test(inner) && (written.startsWith('~') || (behind && !'ie'.includes(inner)))) {
      this.at = Math.min(end + 1, this.text.length);
      this.#push('text', inner);
      return;
    }
    if (UNIT.test(inner) && inner.length > 1 && unitName(inner).known) {
      this.at = Math.min(end + 1, this.text.length);
      this.#text_(inner);
      return;
    }
    if (this.#isFunction(inner)) {
      this.at = Math.min(end + 1, this.text.length);
      this.#push('macro', inner);
      return;
    }
    if (/^[a-zA-Z~ ,.'/\\-]*$/.test(inner) && !FUNCTIONS.has(inner) && inner.length > 1 && !/\\(?![ ,;])/.test(inner)) {
      this.at = Math.min(end + 1, this.text.length);
      this.#words(inner);
    } else if (end > this.#wordsUntil) this.#wordsUntil = end;
  }

  /** Words of a `\text{}`; what is no word but a formula is read as one. */
  #words(words: string): void {
    const inner = words.replaceAll(/\\[,;:! ]/g, ' ').trim();
    if (inner === '' || inner === '.') {
      this.#spaced = true;
      return;
    }
    const first = inner[0] ?? '';
    const alone = inner.length === 1 && isLetter(first);
    // Several letters of choices: A, C
    const parts = inner.replaceAll(/\b(?:and|or)\b/g, ',').split(/[ ,]+/);
    const letters = parts.length > 1 && parts.every((part) => /^(?:[A-Z]|)$/.test(part));
    const unit = !letters && UNIT.test(inner) && unitName(inner).known;
    const lettered = unit || (!letters && /^[a-zA-Z][^\\^$]*$/.test(inner));
    if (lettered && !alone) {
      const lower = inner.toLowerCase();
      const named = this.#isFunction(inner) && this.#tokens.at(-1)?.kind !== 'number';
      if (lower === 'and' || lower === 'or' || named) this.#push('macro', named ? inner : lower);
      else this.#text_(inner);
      return;
    }
    if (alone) {
      this.#push('text', inner);
      return;
    }
    for (const token of new Lexer(inner, this.#depth + 1).run())
      if (token.kind !== 'end') this.#push(token.kind, token.text);
  }

  /** A word joins the text before it. */
  #text_(word: string): void {
    const last = this.#tokens.at(-1);
    if (last?.kind === 'text') last.text += ` ${word}`;
    else this.#push('text', word);
  }

  #letters(): void {
    const start = this.at;
    let end = start;
    while (isLetter(this.text[end])) end++;
    const run = this.text.slice(start, end);
    const last = this.#tokens.at(-1);
    const afterText = last?.kind === 'text';
    this.at = end;
    // 6:30 p.m.
    const half = (run === 'a' || run === 'p') && last?.kind === 'number' && this.text.startsWith('.m', end);
    if (half) {
      this.at = end + (this.text[end + 2] === '.' ? 3 : 2);
      this.#text_(`${run}m`);
      return;
    }
    if (run.length === 1 && last?.kind === 'number' && this.#spaced && this.#endsInUnit(end)) {
      this.#push('text', this.text.slice(start).trim());
      this.at = this.text.length;
      return;
    }
    if (run.length === 1) {
      // `a` in the middle of words.
      if (
        afterText &&
        this.#spaced &&
        last.text.length > 1 &&
        isBlank(this.text[end]) &&
        isLetter(this.text[this.afterBlanks(end)])
      )
        this.#text_(run);
      else this.#push('symbol', run);
      return;
    }
    // `x=1orx=2`
    const joiner = last?.kind === 'number' && !this.#spaced ? /^(?:and|or)(?=[a-zA-Z]$)/.exec(run)?.[0] : undefined;
    if (joiner !== undefined) this.at = start + joiner.length;
    const lower = joiner ?? run.toLowerCase();
    if (lower === 'and' || lower === 'or') {
      this.#push('macro', lower);
      return;
    }
    if (BARE_MACROS.has(run)) {
      this.#macro(run === 'sqrt' ? 'surd' : run);
      return;
    }
    if (FUNCTIONS.has(run)) {
      this.#push('macro', run);
      return;
    }
    const afterValue =
      last !== undefined &&
      (last.kind === 'number' ||
        afterText ||
        [')', '}', '$'].includes(last.text) ||
        (this.#spaced && (last.kind === 'symbol' || last.text === 'pi')));
    if (isWord(run) || (afterValue && BARE_UNITS.has(lower)) || start < this.#wordsUntil) {
      this.#text_(run);
      return;
    }
    this.#product(run);
  }

  /** Is the letter that ends here a unit at the end of the text: `5 m`, `5 m/s`, `5 m^2`? */
  #endsInUnit(end: number): boolean {
    const unit = this.text.slice(end - 1).trimEnd();
    return /^[msghLNJWVK](?:\^[23]|\^\{[23]\}|\/[sh](?:\^2)?)?\.?$/.test(unit);
  }

  /** One-letter names, after the name of a function that is glued to its argument: `sinx`. */
  #product(run: string): void {
    // ABC is CBA, an angle or a triangle, but not ACB.
    if (/^[A-Z]{3,}$/.test(run)) {
      const reversed = [...run].reverse().join('');
      this.#push('symbol', run < reversed ? run : reversed);
      return;
    }
    const glued = ['sin', 'cos', 'tan', 'log', 'ln', 'pi'].find((name) => run.startsWith(name));
    if (glued !== undefined) this.#push('macro', glued);
    for (const letter of run.slice(glued?.length ?? 0)) this.#push('symbol', letter);
  }

  /** Digits with thousands separators, a decimal part and an exponent like e-9. */
  #number(): void {
    let digits = this.digits();
    if (digits.length <= 3 && digits.length > 0) {
      for (let group = this.group(); group !== ''; group = this.group()) digits += group;
    }
    const point = this.text.startsWith('{.}', this.at) && isDigit(this.text[this.at + 3]);
    if (point) this.at += 2;
    if (point || (this.text[this.at] === '.' && isDigit(this.text[this.at + 1]))) {
      this.at++;
      digits += `.${this.digits()}`;
    } else if (this.text[this.at] === '.' && this.text[this.at + 1] !== '.') {
      // `5.` is 5, as at the end of a sentence; before a period that repeats the point is part of the number.
      this.at++;
      if (REPEATS.test(this.text.slice(this.at, this.at + 10))) digits = `${digits === '' ? '0' : digits}.`;
    }
    const exponent = /^[eE][+-]?[0-9]{1,9}(?![0-9.a-zA-Z])/.exec(this.text.slice(this.at, this.at + 14))?.[0];
    if (exponent !== undefined) {
      this.at += exponent.length;
      digits += exponent.toLowerCase();
    }
    this.#push('number', digits);
  }

  /** `.5`, `.\overline{3}` */
  #startsDecimal(): boolean {
    return isDigit(this.text[this.at + 1]) || REPEATS.test(this.text.slice(this.at + 1, this.at + 11));
  }
}
