import { LIMITS, Refusal } from './budget.ts';
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

/** Macros of looks alone. */
const SKIPPED: ReadonlySet<string> = new Set(
  (
    'left right middle big bigl bigr bigm Big Bigl Bigr Bigm bigg biggl biggr Bigg Biggl Biggr displaystyle textstyle ' +
    'scriptstyle limits nolimits rm bf it sf tt quad qquad enspace thinspace medspace thickspace hspace hfill strut ' +
    'mathstrut color textcolor phantom nonumber notag hline space par centering large Large small normalsize allowbreak'
  ).split(' '),
);

/** Macros that show their argument in another face. */
const FACES: ReadonlySet<string> = new Set(
  (
    'mathbf mathit mathsf mathtt mathcal mathscr mathfrak boldsymbol bm pmb boxed fbox underline ensuremath mathrm ' +
    'operatorname mathop emph bold'
  ).split(' '),
);

/** Sets of numbers, by the letter and the macro for it. */
const NUMBER_SETS: Readonly<Record<string, string>> = {
  R: 'reals',
  Z: 'integers',
  N: 'naturals',
  Q: 'rationals',
  C: 'complexes',
};

/** Macros whose argument is words. */
const TEXTS: ReadonlySet<string> = new Set(
  'text textbf textit textrm textsf texttt textnormal mbox hbox textup'.split(' '),
);

/** Macros by their most common spelling. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['dfrac', 'frac'],
  ['tfrac', 'frac'],
  ['cfrac', 'frac'],
  ['nicefrac', 'frac'],
  ['sfrac', 'frac'],
  ['dbinom', 'binom'],
  ['tbinom', 'binom'],
  ['lt', '<'],
  ['gt', '>'],
  ['le', 'leq'],
  ['leqslant', 'leq'],
  ['leqq', 'leq'],
  ['ge', 'geq'],
  ['geqslant', 'geq'],
  ['geqq', 'geq'],
  ['ne', 'neq'],
  ['infinity', 'infty'],
  ['inf', 'infty'],
  ['varnothing', 'emptyset'],
  ['land', 'and'],
  ['wedge', 'and'],
  ['lor', 'or'],
  ['vee', 'or'],
  ['ast', 'cdot'],
  ['bullet', 'cdot'],
  ['backslash', 'setminus'],
  ['smallsetminus', 'setminus'],
  ['lvert', '|'],
  ['rvert', '|'],
  ['vert', '|'],
  ['mid', '|'],
  ['colon', ':'],
  ['lbrace', 'set{'],
  ['rbrace', '}set'],
  ['lbrack', '['],
  ['rbrack', ']'],
  ['dots', 'ldots'],
  ['cdots', 'ldots'],
  ['degree', 'circ'],
  ['degrees', 'circ'],
  ['simeq', 'approx'],
  ['thickapprox', 'approx'],
  ['varphi', 'phi'],
  ['vartheta', 'theta'],
  ['varepsilon', 'epsilon'],
  ['newline', '\\\\'],
  ['cr', '\\\\'],
  ['dollar', '$'],
  ['percent', '%'],
  ['euro', '€'],
  ['pounds', '£'],
]);

/** What repeats the digits behind a point. */
const REPEATS = /^(?:\\overline|\\bar|\\dot|\()/;

/** Split a cleaned answer into tokens. @throws Refusal `tokens` */
export function tokenize(text: string): Token[] {
  return new Lexer(text).run();
}

class Lexer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #spaced = false;
  /** Open brackets other than braces of groups. */
  #brackets = 0;
  readonly #depth: number;
  /** End of the `\mathrm{...}` that the lexer is in; its runs of letters are words. */
  #wordsUntil = -1;

  constructor(text: string, depth = 0) {
    if (depth > LIMITS.depth) throw new Refusal('depth');
    this.#text = text;
    this.#depth = depth;
  }

  run(): Token[] {
    while (this.#at < this.#text.length) this.#next();
    this.#push('end', '');
    return this.#tokens;
  }

  #push(kind: Token['kind'], text: string): void {
    if (this.#tokens.length >= LIMITS.tokens) throw new Refusal('tokens');
    this.#tokens.push({ kind, text, spaced: this.#spaced });
    this.#spaced = false;
  }

  #next(): void {
    const character = this.#text[this.#at] ?? '';
    if (isBlank(character)) {
      this.#spaced = true;
      this.#at++;
    } else if (character === '\\') this.#command();
    else if (isDigit(character) || (character === '.' && this.#startsDecimal())) this.#number();
    else if (isLetter(character)) this.#letters();
    else this.#mark(character);
  }

  #mark(character: string): void {
    this.#at++;
    if (character === '$') {
      // Math delimiters; `\$` is money. A bare one before a number is money too, but then there is no second one.
      this.#spaced = true;
      return;
    }
    if (character === '.') {
      const dots = this.#text.startsWith('..', this.#at);
      if (dots) this.#at += 2;
      if (dots) this.#push('macro', 'ldots');
      else this.#push('mark', '.');
      return;
    }
    if (character === '*' && this.#text[this.#at] === '*') {
      this.#at++;
      this.#push('mark', '^');
      return;
    }
    const pair = character + (this.#text[this.#at] ?? '');
    if (pair === '<=' || pair === '>=' || pair === '!=' || pair === '==') {
      this.#at++;
      if (pair === '==') this.#push('mark', '=');
      else this.#push('macro', pair === '<=' ? 'leq' : pair === '>=' ? 'geq' : 'neq');
      return;
    }
    if ('(['.includes(character)) this.#brackets++;
    if (')]'.includes(character)) this.#brackets = Math.max(0, this.#brackets - 1);
    this.#push('mark', character);
  }

  /** `lcm` and the like, which have no macro of their own. */
  #isFunction(name: string): boolean {
    return FUNCTIONS.has(name) && name.length > 2;
  }

  #command(): void {
    const start = this.#at + 1;
    const next = this.#text[start] ?? '';
    if (!isLetter(next)) {
      this.#at = start + 1;
      if (next === '{' || next === '}') {
        this.#brackets = Math.max(0, this.#brackets + (next === '{' ? 1 : -1));
        this.#push('mark', next === '{' ? 'set{' : '}set');
      } else if (next === '\\') this.#push('mark', '\\\\');
      else if (next === '%' || next === '$' || next === '#' || next === '&' || next === '_' || next === '|') {
        if (next !== '&') this.#push('mark', next);
      } else this.#spaced = true;
      return;
    }
    let end = start;
    while (isLetter(this.#text[end])) end++;
    let name = this.#text.slice(start, end);
    // `\quadx`
    const glued = /^q?quad(?=[a-zA-Z]$)/.exec(name)?.[0];
    if (glued !== undefined) {
      name = glued;
      end--;
    }
    this.#at = this.#text[end] === '*' && name === 'operatorname' ? end + 1 : end;
    this.#macro(name);
  }

  #macro(name: string): void {
    if (SKIPPED.has(name)) {
      this.#spaced = true;
      // `\left.` draws no bracket.
      const blank = this.#afterBlanks(this.#at);
      const next = this.#text[blank];
      if ((name === 'left' || name === 'right') && next === '.') this.#at = blank + 1;
      if (name === 'hspace' || name === 'color' || name === 'textcolor' || name === 'phantom') this.#argument();
      return;
    }
    if (TEXTS.has(name)) {
      this.#words(this.#argument());
      return;
    }
    if (NUMBER_SETS[name] !== undefined) {
      this.#push('macro', NUMBER_SETS[name]);
      return;
    }
    if (name === 'mathbb' || name === 'mathbf' || name === 'Bbb') {
      const letter = /^ ?(?:\{ ?([RZNQC]) ?\}|([RZNQC]))(?![a-zA-Z])/.exec(this.#text.slice(this.#at, this.#at + 8));
      const set = NUMBER_SETS[letter?.[1] ?? letter?.[2] ?? ''];
      if (letter !== null && set !== undefined) {
        this.#at += letter[0].length;
        this.#push('macro', set);
      }
      return;
    }
    if (FACES.has(name)) {
      if (name === 'mathrm' || name === 'operatorname') this.#face();
      return;
    }
    const spelling = SPELLINGS.get(name) ?? name;
    if (spelling === 'set{' || spelling === '[') this.#brackets++;
    if (spelling === '}set' || spelling === ']') this.#brackets = Math.max(0, this.#brackets - 1);
    if (spelling === 'textdollar') this.#push('mark', '$');
    else this.#push(/^[a-z]+$/i.test(spelling) ? 'macro' : 'mark', spelling);
  }

  /** `\mathrm{...}`: words where it holds words, else an ordinary group. */
  #face(): void {
    const start = this.#afterBlanks(this.#at);
    if (this.#text[start] !== '{') return;
    const end = this.#closing(start);
    const inner = this.#text.slice(start + 1, end).trim();
    if (/^[a-zA-Z]$/.test(inner) && !'ie'.includes(inner) && this.#tokens.at(-1)?.kind === 'number') {
      this.#at = Math.min(end + 1, this.#text.length);
      this.#push('text', inner);
      return;
    }
    if (this.#isFunction(inner)) {
      this.#at = Math.min(end + 1, this.#text.length);
      this.#push('macro', inner);
      return;
    }
    if (/^[a-zA-Z~ ,.'/\\-]*$/.test(inner) && !FUNCTIONS.has(inner) && inner.length > 1 && !/\\(?![ ,;])/.test(inner)) {
      this.#at = Math.min(end + 1, this.#text.length);
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
    const unit = /^[a-zA-Z][a-zA-Z .^{}0-9/-]*$/.test(inner) && unitName(inner).known;
    const lettered = unit || /^[a-zA-Z][^\\^$]*$/.test(inner);
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
    const start = this.#at;
    let end = start;
    while (isLetter(this.#text[end])) end++;
    const run = this.#text.slice(start, end);
    const last = this.#tokens.at(-1);
    const afterText = last?.kind === 'text';
    this.#at = end;
    // 6:30 p.m.
    const half = (run === 'a' || run === 'p') && last?.kind === 'number' && this.#text.startsWith('.m', end);
    if (half) {
      this.#at = end + (this.#text[end + 2] === '.' ? 3 : 2);
      this.#text_(`${run}m`);
      return;
    }
    if (run.length === 1) {
      // `a` in the middle of words.
      if (
        afterText &&
        this.#spaced &&
        last.text.length > 1 &&
        isBlank(this.#text[end]) &&
        isLetter(this.#text[this.#afterBlanks(end)])
      )
        this.#text_(run);
      else this.#push('symbol', run);
      return;
    }
    const lower = run.toLowerCase();
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

  /** One-letter names, after the name of a function that is glued to its argument: `sinx`. */
  #product(run: string): void {
    const glued = ['sin', 'cos', 'tan', 'log', 'ln', 'pi'].find((name) => run.startsWith(name));
    if (glued !== undefined) this.#push('macro', glued);
    for (const letter of run.slice(glued?.length ?? 0)) this.#push('symbol', letter);
  }

  /** Digits with thousands separators, a decimal part and an exponent like e-9. */
  #number(): void {
    let digits = this.#digits();
    if (digits.length <= 3 && digits.length > 0) {
      for (let group = this.#group(); group !== ''; group = this.#group()) digits += group;
    }
    const point = this.#text.startsWith('{.}', this.#at) && isDigit(this.#text[this.#at + 3]);
    if (point) this.#at += 2;
    if (point || (this.#text[this.#at] === '.' && isDigit(this.#text[this.#at + 1]))) {
      this.#at++;
      digits += `.${this.#digits()}`;
    } else if (this.#text[this.#at] === '.' && this.#text[this.#at + 1] !== '.') {
      // `5.` is 5, as at the end of a sentence; before a period that repeats the point is part of the number.
      this.#at++;
      if (REPEATS.test(this.#text.slice(this.#at, this.#at + 10))) digits = `${digits === '' ? '0' : digits}.`;
    }
    const exponent = /^[eE][+-]?[0-9]{1,9}(?![0-9.a-zA-Z])/.exec(this.#text.slice(this.#at, this.#at + 14))?.[0];
    if (exponent !== undefined) {
      this.#at += exponent.length;
      digits += exponent.toLowerCase();
    }
    this.#push('number', digits);
  }

  /** `.5`, `.\overline{3}` */
  #startsDecimal(): boolean {
    return isDigit(this.#text[this.#at + 1]) || REPEATS.test(this.#text.slice(this.#at + 1, this.#at + 11));
  }

  #digits(): string {
    const start = this.#at;
    while (isDigit(this.#text[this.#at])) this.#at++;
    return this.#text.slice(start, this.#at);
  }

  /**
   * Three more digits behind a thousands separator, else ''. A bare comma or blank separates thousands only outside
   * brackets, where `(100,200)` is a point.
   */
  #group(): string {
    const rest = this.#text.slice(this.#at, this.#at + 12);
    const separator =
      /^(?:\{,\}|,\\! ?|\{\\,\}|\\[,;: ]|\\!,|~)/.exec(rest)?.[0] ??
      (this.#brackets === 0 ? /^[, ]/.exec(rest)?.[0] : undefined);
    if (separator === undefined) return '';
    const start = this.#at + separator.length;
    const digits = this.#text.slice(start, start + 3);
    if (!/^[0-9]{3}$/.test(digits) || isDigit(this.#text[start + 3])) return '';
    this.#at = start + 3;
    return digits;
  }

  /** The balanced argument `{...}` at the cursor, or one character; the cursor moves behind it. */
  #argument(): string {
    const start = this.#afterBlanks(this.#at);
    if (this.#text[start] !== '{') {
      this.#at = Math.min(start + 1, this.#text.length);
      return this.#text[start] ?? '';
    }
    const end = this.#closing(start);
    this.#at = Math.min(end + 1, this.#text.length);
    return this.#text.slice(start + 1, end);
  }

  /** The place of the brace that closes the one at `start`, or the end of the text. */
  #closing(start: number): number {
    let depth = 0;
    for (let i = start; i < this.#text.length; i++) {
      if (this.#text[i] === '\\') i++;
      else if (this.#text[i] === '{') depth++;
      else if (this.#text[i] === '}' && --depth === 0) return i;
    }
    return this.#text.length;
  }

  #afterBlanks(from: number): number {
    let i = from;
    while (isBlank(this.#text[i])) i++;
    return i;
  }
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z'));
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\t' || character === '\r' || character === '~';
}
