import { type Budget, LIMITS, Refusal } from './budget.ts';
import { type Token, tokenize } from './lexer.ts';
import { basedNumber, mixedNumber, numberNode, repeatingNumber } from './numerals.ts';
import { apply, type Bracket, integer, type Node, type Relation } from './tree.ts';
import { FUNCTIONS, plainWords } from './words.ts';

const RELATIONS: Readonly<Record<string, Relation>> = {
  '=': '=',
  '<': '<',
  '>': '>',
  leq: '<=',
  geq: '>=',
  neq: '!=',
  in: 'in',
  approx: 'approx',
  sim: 'approx',
  equiv: 'equiv',
};

const SET_OPERATIONS: Readonly<Record<string, string>> = { cup: 'union', cap: 'intersection', setminus: 'without' };

const LETTERS: ReadonlySet<string> = new Set(
  (
    'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron rho varsigma sigma tau upsilon ' +
    'phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar imath jmath'
  ).split(' '),
);

/** Macros that stand for a symbol of the tree. */
const CONSTANTS: Readonly<Record<string, string>> = { pi: 'pi', infty: 'oo', imath: 'i' };

const NUMBER_SETS: ReadonlySet<string> = new Set([
  'emptyset',
  'reals',
  'integers',
  'naturals',
  'rationals',
  'complexes',
]);

/** Accents that do not change what is meant, and names of what a label stands for. */
const ACCENTS: ReadonlySet<string> = new Set(
  'vec hat widehat tilde overrightarrow overleftrightarrow angle measuredangle triangle odot bigtriangleup mathbb'.split(
    ' ',
  ),
);

const MATRICES: ReadonlySet<string> = new Set('pmatrix bmatrix Bmatrix matrix smallmatrix array'.split(' '));

const INVERTIBLE: ReadonlySet<string> = new Set(['sin', 'cos', 'tan', 'cot', 'sec', 'csc', 'sinh', 'cosh', 'tanh']);

/** Words before a value that say nothing about it. */
const PREFIXES: ReadonlySet<string> = new Set(
  'about approximately exactly roughly answer is answer: rs rs. usd total around'.split(' '),
);

/**
 * The tree of a cleaned answer.
 *
 * @param repair accept unbalanced brackets and stray `\end{...}`
 * @throws Refusal `syntax` for what is no expression, or a limit
 */
export function parse(text: string, budget: Budget, repair: boolean): Node {
  return new Parser(tokenize(text), budget, repair).answer();
}

class Parser {
  readonly #tokens: Token[];
  readonly #budget: Budget;
  readonly #repair: boolean;
  #at = 0;
  /** Open bars of absolute values; a bar then closes. */
  #bars = 0;
  /** Open round and square brackets. */
  #brackets = 0;
  /** Is a colon a part of what surrounds the expression, as in {x : x > 1}? */
  #colonEnds = false;

  constructor(tokens: Token[], budget: Budget, repair: boolean) {
    this.#tokens = tokens;
    this.#budget = budget;
    this.#repair = repair;
  }

  answer(): Node {
    this.#skipEnvironments();
    const result = this.#list();
    while (this.#repair && this.#peek().kind !== 'end') {
      if (this.#is('}') || this.#is('.')) this.#at++;
      else if (!this.#skipEnvironments()) break;
    }
    if (this.#peek().kind !== 'end') throw new Refusal('syntax');
    return result;
  }

  #peek(offset = 0): Token {
    return this.#tokens[Math.min(this.#at + offset, this.#tokens.length - 1)] as Token;
  }

  #is(mark: string, offset = 0): boolean {
    const token = this.#peek(offset);
    return token.text === mark && (token.kind === 'mark' || token.kind === 'macro');
  }

  #take(mark: string): boolean {
    if (!this.#is(mark)) return false;
    this.#at++;
    return true;
  }

  /** A closing bracket, which a repaired answer may lack at its end. */
  #close(mark: string): void {
    if (this.#take(mark)) return;
    if (this.#repair && this.#peek().kind === 'end') return;
    throw new Refusal('syntax');
  }

  /** Run a rule one level deeper, with the bars and colons of the outer expression out of sight. */
  #inside<T>(rule: () => T): T {
    const [bars, colonEnds] = [this.#bars, this.#colonEnds];
    this.#bars = 0;
    this.#colonEnds = false;
    const result = this.#budget.deeper(rule);
    this.#bars = bars;
    this.#colonEnds = colonEnds;
    return result;
  }

  // Lists and relations

  #list(): Node {
    const start = this.#at;
    const items = this.#items();
    const [only] = items;
    if (only === undefined) throw new Refusal('syntax');
    if (items.length === 1) return only;
    const words = this.#tokens.slice(start, this.#at).filter((token) => token.kind === 'macro');
    const joiner = words.some(({ text }) => text === 'or')
      ? 'or'
      : words.some(({ text }) => text === 'and')
        ? 'and'
        : ',';
    return { kind: 'list', items, joiner };
  }

  /** Members up to a closing bracket or the end; separators at either end are of no account. */
  #items(): Node[] {
    const items: Node[] = [];
    for (;;) {
      while (this.#separator());
      if (this.#closes()) return items;
      if (items.length >= LIMITS.items) throw new Refusal('items');
      items.push(this.#relation());
      const last = items.at(-1);
      // `5 feet 6 inches`: two quantities side by side.
      const glued = last?.kind === 'quantity' && this.#peek().kind === 'number';
      if (!glued && !this.#isSeparator() && !this.#closes()) throw new Refusal('syntax');
    }
  }

  #isSeparator(): boolean {
    return (
      [',', ';', 'and', 'or', '\\\\', '&'].some((mark) => this.#is(mark)) ||
      (this.#is('.') && this.#peek(1).kind === 'end')
    );
  }

  #separator(): boolean {
    if (!this.#isSeparator()) return false;
    this.#at++;
    return true;
  }

  #closes(): boolean {
    const { kind, text } = this.#peek();
    if (kind === 'end') return true;
    if (kind === 'macro') return ['rangle', 'end', 'over', 'choose', 'atop'].includes(text);
    if (kind !== 'mark') return false;
    if (text === '|') return this.#bars > 0 || this.#colonEnds;
    if (text === ':') return this.#colonEnds;
    // ]a, b[ begins with it.
    if (text === ']') return this.#brackets > 0;
    if (text === '[') return this.#brackets > 0 && this.#frenchEnd();
    return text === ')' || text === '}' || text === '}set';
  }

  #relation(): Node {
    return this.#budget.deeper(() => {
      this.#budget.spend(2);
      const items: Node[] = [];
      const ops: Relation[] = [];
      if (this.#take('approx')) items.length = 0;
      items.push(this.#setExpression());
      for (;;) {
        const { kind, text } = this.#peek();
        const op = kind === 'mark' || kind === 'macro' ? RELATIONS[text] : undefined;
        if (op === undefined) break;
        this.#at++;
        if (ops.length >= LIMITS.items) throw new Refusal('items');
        ops.push(op);
        items.push(this.#setExpression());
      }
      const modulus = this.#modulus();
      if (modulus !== null) {
        const value = items.pop() as Node;
        items.push({ kind: 'tuple', open: '<', close: '>', items: [apply('remainder', value, modulus), modulus] });
      }
      return items.length === 1 ? (items[0] as Node) : { kind: 'relation', ops, items };
    });
  }

  /** `\pmod{7}`, `(\bmod 7)`, `\mod 7`, `(mod 7)`. */
  #modulus(): Node | null {
    const bracket = this.#is('(') && this.#isMod(1);
    if (!bracket && !this.#isMod(0)) return null;
    this.#at += bracket ? 2 : 1;
    const modulus = this.#factor();
    if (bracket) this.#close(')');
    return modulus;
  }

  #isMod(offset: number): boolean {
    const { kind, text } = this.#peek(offset);
    return (kind === 'macro' && ['pmod', 'bmod', 'mod'].includes(text)) || (kind === 'text' && text === 'mod');
  }

  #setExpression(): Node {
    let left = this.#ratio();
    for (;;) {
      const { kind, text } = this.#peek();
      const name = kind === 'macro' ? SET_OPERATIONS[text] : undefined;
      if (name === undefined) return left;
      this.#at++;
      this.#budget.spend(5);
      left =
        left.kind === 'apply' && left.name === name
          ? apply(name, ...left.args, this.#ratio())
          : apply(name, left, this.#ratio());
    }
  }

  #ratio(): Node {
    const items = [this.#measured()];
    while (!this.#colonEnds && this.#is(':')) {
      this.#at++;
      if (items.length >= LIMITS.items) throw new Refusal('items');
      items.push(this.#measured());
    }
    return items.length === 1 ? (items[0] as Node) : this.#unit({ kind: 'ratio', items });
  }

  // Sums, products and powers

  /** A sum with what may stand around it: a currency sign, a percent sign, words. */
  #measured(): Node {
    const first = this.#peek();
    if (first.kind === 'text') {
      const words = plainWords(first.text);
      const letter = first.text.length === 1;
      const value = this.#peek(1);
      const prefix = words.split(' ').every((word) => PREFIXES.has(word)) && value.kind !== 'end';
      if (prefix) this.#at++;
      else if (!letter) {
        this.#at++;
        return { kind: 'text', text: first.text };
      }
    }
    const sign = this.#is('-') && this.#isCurrency(1);
    if (sign) this.#at++;
    if (this.#isCurrency(0)) {
      const unit = this.#peek().text;
      this.#at++;
      const value = this.#sum();
      return this.#unit({ kind: 'quantity', value: sign ? apply('negative', value) : value, unit });
    }
    return this.#unit(this.#sum());
  }

  #isCurrency(offset: number): boolean {
    return ['$', '£', '€', '₹', '¥'].some((mark) => this.#is(mark, offset));
  }

  #unit(value: Node): Node {
    if (this.#take('%')) return { kind: 'percent', value };
    if (this.#isCurrency(0)) {
      this.#at++;
      return { kind: 'quantity', value, unit: this.#peek(-1).text };
    }
    const token = this.#peek();
    if (token.kind !== 'text') return value;
    let unit = token.text;
    this.#at++;
    if (/^(percent|per cent|percentage|pct)\.?$/i.test(unit.trim())) return { kind: 'percent', value };
    for (;;) {
      if (this.#is('^')) {
        this.#at++;
        const group = this.#take('{');
        const sign = this.#take('-') ? '-' : '';
        unit += ` ^${sign}${this.#peek().text}`;
        this.#at++;
        if (group) this.#close('}');
      } else if (this.#peek().kind === 'text' || (this.#is('/') && this.#peek(1).kind === 'text')) {
        unit += ` ${this.#peek().text}`;
        this.#at++;
      } else break;
    }
    if (value.kind === 'quantity') return { ...value, unit: value.unit === '$' ? '$' : `${value.unit} ${unit}` };
    return { kind: 'quantity', value, unit };
  }

  #sum(): Node {
    return this.#budget.deeper(() => {
      const terms = [this.#signed()];
      for (;;) {
        if (!['+', '-', 'pm', 'mp'].some((mark) => this.#is(mark))) break;
        terms.push(this.#signed());
      }
      this.#budget.spend(terms.length);
      return terms.length === 1 ? (terms[0] as Node) : apply('add', ...terms);
    });
  }

  /** A term with the signs before it. */
  #signed(): Node {
    const signs: string[] = [];
    for (;;) {
      const sign = ['+', '-', 'pm', 'mp'].find((mark) => this.#is(mark));
      if (sign === undefined) break;
      this.#at++;
      // `+-` is how some type a plus-minus.
      signs.push(sign === '+' && this.#is('/') && this.#is('-', 1) ? 'pm' : sign);
      if (signs.at(-1) === 'pm' && sign === '+') this.#at += 2;
    }
    let result = this.#term();
    if (signs.filter((sign) => sign === '-').length % 2 === 1) result = apply('negative', result);
    for (const sign of signs) if (sign === 'pm' || sign === 'mp') result = apply(sign, result);
    return result;
  }

  #term(): Node {
    const factors = [this.#factor()];
    for (;;) {
      this.#budget.spend(1);
      if (['*', 'cdot', 'times'].some((mark) => this.#is(mark))) {
        this.#at++;
        factors.push(this.#signedFactor());
      } else if (this.#is('/') || this.#is('div')) {
        this.#at++;
        factors.push(apply('inverse', this.#signedFactor()));
      } else if (this.#startsFactor(factors.at(-1))) this.#juxtaposed(factors);
      else break;
    }
    return factors.length === 1 ? (factors[0] as Node) : apply('multiply', ...factors);
  }

  /** A factor right behind another: a product, or the fraction of a mixed number. */
  #juxtaposed(factors: Node[]): void {
    const last = factors.at(-1) as Node;
    const whole = last.kind === 'number' && last.places === 0 && last.value.d === 1n ? last : null;
    if (whole !== null && this.#peek().kind === 'number') {
      const [top, bottom] = [this.#peek(), this.#peek(2)];
      if (!top.spaced || !this.#is('/', 1) || bottom.kind !== 'number') throw new Refusal('syntax');
      const mixed = mixedNumber(whole, numberNode(top.text), numberNode(bottom.text));
      if (mixed === null) throw new Refusal('syntax');
      this.#at += 3;
      factors[factors.length - 1] = mixed;
      return;
    }
    const isFraction = this.#is('frac');
    const next = this.#factor();
    if (whole !== null && isFraction && next.kind === 'apply' && next.name === 'divide') {
      const [top, bottom] = next.args;
      const mixed = mixedNumber(whole, top, bottom);
      if (mixed !== null) {
        factors[factors.length - 1] = mixed;
        return;
      }
    }
    factors.push(next);
  }

  #startsFactor(before: Node | undefined): boolean {
    const { kind, text } = this.#peek();
    if (kind === 'number') return before?.kind !== 'number' || this.#is('/', 1);
    if (kind === 'symbol') return true;
    if (kind === 'text') return text.length === 1 && 'ie'.includes(text);
    if (kind === 'mark')
      return (
        (text === '(' && !this.#isMod(1)) ||
        text === '{' ||
        (text === '[' && !this.#frenchEnd()) ||
        (text === '|' && this.#bars === 0 && !this.#colonEnds)
      );
    if (kind !== 'macro') return false;
    return (
      FUNCTIONS.has(text) ||
      LETTERS.has(text) ||
      text in CONSTANTS ||
      ['frac', 'binom', 'sqrt', 'surd', 'cuberoot', 'sum', 'prod', 'lfloor', 'lceil', 'overline', 'bar'].includes(
        text,
      ) ||
      ACCENTS.has(text)
    );
  }

  /** Is the `[` at the cursor the end of ]a, b[? */
  #frenchEnd(): boolean {
    const { kind, text } = this.#peek(1);
    return kind === 'end' || (kind === 'macro' && text in SET_OPERATIONS) || text === '}';
  }

  #signedFactor(): Node {
    if (this.#take('-')) return this.#budget.deeper(() => apply('negative', this.#signedFactor()));
    if (this.#take('+')) return this.#budget.deeper(() => this.#signedFactor());
    return this.#factor();
  }

  /** An operand with the scripts and signs behind it. */
  #factor(): Node {
    return this.#budget.deeper(() => {
      let base = this.#primary();
      for (;;) {
        this.#budget.spend(1);
        if (this.#is('!') && !this.#is('=', 1)) {
          const double = this.#is('!', 1) && !this.#peek(1).spaced;
          this.#at += double ? 2 : 1;
          base = apply(double ? 'doubleFactorial' : 'factorial', base);
        } else if (this.#is('circ')) {
          this.#at++;
          base = this.#degrees(base);
        } else if (this.#is('^')) {
          this.#at++;
          base = this.#power(base);
        } else if (this.#is('_')) {
          this.#at++;
          base = this.#subscript(base);
        } else if (this.#is("'") && base.kind === 'symbol') {
          this.#at++;
          base = { kind: 'symbol', name: `${base.name}'` };
        } else if (
          base.kind === 'number' &&
          (this.#is('overline') || this.#is('bar') || this.#is('dot') || this.#repeats())
        ) {
          base = this.#repeating();
        } else if (base.kind === 'number' && this.#is('ldots')) {
          this.#at++;
          const text = this.#peek(-2).text;
          const last = text.slice(-3);
          if (base.places < 3 || last !== (last[0] ?? '').repeat(3)) throw new Refusal('syntax');
          base = repeatingNumber(text.slice(0, -3), last[0] ?? '');
        } else return base;
      }
    });
  }

  /** `0.(3)` */
  #repeats(): boolean {
    return this.#peek(-1).text.endsWith('.') && this.#is('(') && this.#peek(1).kind === 'number' && this.#is(')', 2);
  }

  #repeating(): Node {
    const before = this.#peek(-1).text;
    this.#at++;
    const digits = this.#peek(this.#is('{') ? 1 : 0);
    const grouped = this.#take('{');
    if (digits.kind !== 'number') throw new Refusal('syntax');
    this.#at++;
    if (grouped) this.#close('}');
    else this.#take(')');
    return repeatingNumber(before, digits.text);
  }

  #power(base: Node): Node {
    if (this.#is('circ') || (this.#is('{') && this.#is('circ', 1) && this.#is('}', 2))) {
      this.#at += this.#is('{') ? 3 : 1;
      return this.#degrees(base);
    }
    if (this.#is('prime') || (this.#is('{') && this.#is('prime', 1))) {
      this.#at += this.#is('{') ? 3 : 1;
      return base.kind === 'symbol' ? { kind: 'symbol', name: `${base.name}'` } : base;
    }
    const exponent = this.#script();
    // 5^{th}
    if (exponent.kind === 'text') return base;
    return apply('power', base, exponent);
  }

  #degrees(base: Node): Node {
    const grouped = this.#is('{') && this.#is('}', 2);
    const { kind, text } = this.#peek(grouped ? 1 : 0);
    if ((kind === 'symbol' || kind === 'text') && (text === 'C' || text === 'F')) {
      this.#at += grouped ? 3 : 1;
      return { kind: 'quantity', value: base, unit: `°${text}` };
    }
    return apply('degree', base);
  }

  /** What stands behind `^`: a group, or one operand with a sign. */
  #script(): Node {
    return this.#budget.deeper(() => {
      if (this.#take('-')) return apply('negative', this.#script());
      if (this.#take('+')) return this.#script();
      const { kind, text } = this.#peek();
      if (kind === 'text' && /^(th|st|nd|rd)$/.test(text)) {
        this.#at++;
        return { kind: 'text', text };
      }
      return this.#primary();
    });
  }

  #subscript(base: Node): Node {
    const start = this.#at;
    let name = '';
    if (this.#take('{')) {
      let depth = 1;
      for (; this.#peek().kind !== 'end'; this.#at++) {
        if (this.#is('{')) depth++;
        if (this.#is('}') && --depth === 0) break;
        name += this.#peek().text;
      }
      this.#close('}');
    } else {
      name = this.#peek().text;
      this.#at++;
    }
    this.#budget.spend(this.#at - start);
    if (base.kind === 'symbol') return { kind: 'symbol', name: `${base.name}_${name}` };
    const digits = base.kind === 'number' ? base.value.n.toString() : '';
    if (base.kind !== 'number' || base.places !== 0 || base.value.d !== 1n) throw new Refusal('syntax');
    return basedNumber(digits, name);
  }

  // Operands

  #primary(): Node {
    this.#budget.spend(1);
    const token = this.#peek();
    this.#at++;
    switch (token.kind) {
      case 'number':
        return numberNode(token.text);
      case 'symbol':
        return { kind: 'symbol', name: token.text };
      case 'text':
        if (token.text.length === 1) return { kind: 'symbol', name: token.text };
        throw new Refusal('syntax');
      case 'macro':
        return this.#macro(token.text);
      case 'mark':
        return this.#bracketed(token.text);
      default:
        throw new Refusal('syntax');
    }
  }

  #bracketed(mark: string): Node {
    switch (mark) {
      case '{':
        return this.#inside(() => this.#group());
      case '(':
      case '[':
        return this.#inside(() => this.#sequence(mark));
      case ']':
        return this.#inside(() => this.#sequence('('));
      case '<':
        return this.#inside(() => {
          const items = this.#vectorItems();
          this.#close('>');
          return { kind: 'tuple', open: '<', close: '>', items };
        });
      case 'set{':
        return this.#inside(() => this.#set());
      case '|': {
        const colonEnds = this.#colonEnds;
        this.#bars++;
        const inner = this.#budget.deeper(() => this.#sum());
        this.#bars--;
        this.#colonEnds = colonEnds;
        this.#close('|');
        return apply('abs', inner);
      }
      default:
        throw new Refusal('syntax');
    }
  }

  /** <1, 2>, whose `>` is no relation. */
  #vectorItems(): Node[] {
    const items = [this.#sum()];
    while (this.#take(',')) items.push(this.#sum());
    if (items.length > LIMITS.items) throw new Refusal('items');
    return items;
  }

  /** `{...}`: a group, `{a \over b}`, or a set whose backslashes were lost. */
  #group(): Node {
    const items = this.#items();
    const [only] = items;
    const stack = ['over', 'choose', 'atop'].find((name) => this.#is(name));
    if (stack !== undefined) {
      this.#at++;
      const below = this.#list();
      this.#close('}');
      if (only === undefined || items.length > 1) throw new Refusal('syntax');
      return apply(stack === 'over' ? 'divide' : 'binomial', only, below);
    }
    this.#close('}');
    if (only === undefined) throw new Refusal('syntax');
    return items.length === 1 ? only : { kind: 'set', items };
  }

  #sequence(open: '(' | '['): Node {
    this.#brackets++;
    const items = this.#items();
    this.#brackets--;
    const close = [')', ']'].find((mark) => this.#take(mark));
    const french = close === undefined && this.#take('[');
    if (close === undefined && !french && !(this.#repair && this.#peek().kind === 'end')) throw new Refusal('syntax');
    const [only] = items;
    if (items.length === 1 && only !== undefined) {
      if ((open === '(') === (close === ']')) throw new Refusal('syntax');
      return { kind: 'group', inner: only };
    }
    if (items.length === 0) throw new Refusal('syntax');
    const end: Bracket = french ? ')' : ((close ?? (open === '(' ? ')' : ']')) as Bracket);
    return { kind: 'tuple', open, close: end, items };
  }

  /** A set by its members or by a condition. */
  #set(): Node {
    if (this.#take('}set')) return { kind: 'set', items: [] };
    this.#colonEnds = true;
    const items = this.#items();
    this.#colonEnds = false;
    if (this.#take('|') || this.#take(':')) {
      const variable = items[0];
      if (items.length !== 1 || variable === undefined) throw new Refusal('syntax');
      const conditions = this.#items();
      this.#close('}set');
      return { kind: 'builder', variable, conditions };
    }
    if (!this.#take('}set')) this.#close('}');
    return { kind: 'set', items };
  }

  #macro(name: string): Node {
    const letter = CONSTANTS[name] ?? (LETTERS.has(name) ? name : undefined);
    if (letter !== undefined) return { kind: 'symbol', name: letter };
    if (NUMBER_SETS.has(name)) return { kind: 'symbol', name };
    if (FUNCTIONS.has(name)) return this.#function(FUNCTIONS.get(name) ?? name, name);
    if (ACCENTS.has(name)) return this.#factor();
    switch (name) {
      case 'frac':
        return apply('divide', this.#argument(), this.#argument());
      case 'binom':
        return apply('binomial', this.#argument(), this.#argument());
      case 'sqrt':
      case 'surd':
        return this.#root();
      case 'cuberoot':
        return apply('root', integer(3), this.#primary());
      case 'sum':
        return this.#series('sum');
      case 'prod':
        return this.#series('product');
      case 'lfloor':
        return this.#delimited('floor', 'rfloor');
      case 'lceil':
        return this.#delimited('ceil', 'rceil');
      case 'langle':
        return this.#inside(() => {
          const items = this.#items();
          this.#close('rangle');
          return { kind: 'tuple', open: '<', close: '>', items };
        });
      case 'overline':
      case 'bar': {
        const inner = this.#argument();
        return inner.kind === 'symbol' ? { kind: 'symbol', name: `bar ${inner.name}` } : apply('conjugate', inner);
      }
      case 'begin':
        return this.#environment();
      default:
        throw new Refusal('syntax');
    }
  }

  #delimited(name: string, end: string): Node {
    const inner = this.#inside(() => this.#sum());
    this.#close(end);
    return apply(name, inner);
  }

  /** The argument of a macro: a group, a macro, or a single digit or letter. */
  #argument(): Node {
    const token = this.#peek();
    if (token.kind === 'number' && token.text.length > 1) {
      this.#tokens[this.#at] = { ...token, text: token.text.slice(1), spaced: false };
      return numberNode(token.text[0] ?? '');
    }
    if (token.kind === 'mark' && token.text !== '{' && token.text !== '(') throw new Refusal('syntax');
    return this.#budget.deeper(() => this.#primary());
  }

  /** \sqrt{2}, \sqrt[3]{2}, and sqrt(2) or √12, whose argument is the operand that follows. */
  #root(): Node {
    if (this.#take('[')) {
      const index = this.#inside(() => this.#sum());
      this.#close(']');
      return apply(
        'root',
        index,
        this.#budget.deeper(() => this.#primary()),
      );
    }
    if (this.#is('}')) throw new Refusal('syntax');
    return apply(
      'root',
      integer(2),
      this.#budget.deeper(() => this.#primary()),
    );
  }

  #series(name: 'sum' | 'product'): Node {
    let from: Node | null = null;
    let to: Node | null = null;
    for (let i = 0; i < 2; i++) {
      if (this.#take('_')) {
        this.#close('{');
        from = this.#inside(() => this.#relation());
        this.#close('}');
      } else if (this.#take('^')) to = this.#script();
    }
    if (from?.kind !== 'relation' || from.items[0]?.kind !== 'symbol' || from.ops[0] !== '=' || to === null) {
      throw new Refusal('syntax');
    }
    const body = this.#budget.deeper(() => this.#term());
    return { kind: 'series', name, variable: from.items[0].name, from: from.items[1] as Node, to, body };
  }

  #function(name: string, written: string): Node {
    let exponent: Node | null = null;
    let base: Node | null = null;
    for (let i = 0; i < 2; i++) {
      if (exponent === null && this.#take('^')) exponent = this.#script();
      else if (base === null && name === 'log' && this.#take('_')) base = this.#argument();
    }
    const argument = this.#inside(() => this.#functionArgument());
    const args = argument.kind === 'tuple' || argument.kind === 'set' ? argument.items : [argument];
    if (name === 'log') args.length === 1 && (args as Node[]).unshift(base ?? integer(10));
    if (written === 'lg' && args.length !== 2) throw new Refusal('syntax');
    const inverse = exponent?.kind === 'apply' && exponent.name === 'negative' && isOne(exponent.args[0]);
    if (exponent === null) return apply(name, ...args);
    if (inverse && INVERTIBLE.has(name)) return apply(`arc${name}`, ...args);
    return apply('power', apply(name, ...args), exponent);
  }

  /** A bracket, or a product up to the next operator or function. */
  #functionArgument(): Node {
    if (this.#is('(') || this.#is('[') || this.#is('set{')) {
      const inner = this.#primary();
      return inner.kind === 'group' ? inner.inner : inner;
    }
    if (this.#take('-')) return apply('negative', this.#functionArgument());
    const factors = [this.#factor()];
    while (this.#startsFactor(factors.at(-1)) && !FUNCTIONS.has(this.#peek().text) && !this.#is('sum'))
      this.#juxtaposed(factors);
    const hasPi = factors.some((factor) => factor.kind === 'symbol' && factor.name === 'pi');
    if (hasPi && this.#is('/') && this.#peek(1).kind === 'number') {
      this.#at++;
      factors.push(apply('inverse', this.#factor()));
    }
    return factors.length === 1 ? (factors[0] as Node) : apply('multiply', ...factors);
  }

  // Environments

  #environmentName(): string {
    this.#close('{');
    let name = '';
    for (; this.#peek().kind !== 'end' && !this.#is('}'); this.#at++) name += this.#peek().text;
    this.#close('}');
    return name.replaceAll('*', '').replaceAll(' ', '');
  }

  /** Stray `\end{align*}` and the like at the edge of an answer. */
  #skipEnvironments(): boolean {
    if (!this.#repair) return false;
    const start = this.#at;
    while (this.#is('end')) {
      this.#at++;
      this.#environmentName();
    }
    return this.#at > start;
  }

  #environment(): Node {
    return this.#inside(() => {
      const name = this.#environmentName();
      if (name === 'array' && this.#is('{')) this.#environmentName();
      if (MATRICES.has(name)) return this.#matrix();
      const inner = this.#list();
      if (this.#take('end')) this.#environmentName();
      return inner;
    });
  }

  #matrix(): Node {
    const rows: Node[][] = [[]];
    let entries = 0;
    while (!this.#is('end') && this.#peek().kind !== 'end') {
      const row = rows.at(-1) as Node[];
      if (this.#take('\\\\')) {
        rows.push([]);
        continue;
      }
      if (this.#take('&')) continue;
      if (++entries > LIMITS.items) throw new Refusal('items');
      row.push(this.#relation());
      if (!this.#is('&') && !this.#is('\\\\') && !this.#is('end')) throw new Refusal('syntax');
    }
    if (this.#take('end')) this.#environmentName();
    const filled = rows.filter((row) => row.length > 0);
    if (filled.length === 0 || filled.some((row) => row.length !== filled[0]?.length)) throw new Refusal('syntax');
    return { kind: 'matrix', rows: filled };
  }
}

function isOne(node: Node | undefined): boolean {
  return node?.kind === 'number' && node.value.n === 1n && node.value.d === 1n;
}
