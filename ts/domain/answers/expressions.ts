import { Refusal } from './budget.ts';
import { ACCENTS, CONSTANTS, LETTERS } from './notation.ts';
import { basedNumber, mixedNumber, numberNode, repeatingNumber } from './numerals.ts';
import { Operands } from './operands.ts';
import { apply, integer, type Node } from './tree.ts';
import { FUNCTIONS } from './words.ts';

/** The middle layer of the grammar: powers, products, sums, and the units and ratios around them. */
export abstract class Expressions extends Operands {
  protected sum(): Node {
    return this.budget.deeper(() => {
      const terms = [this.signed()];
      for (;;) {
        if (!['+', '-', 'pm', 'mp'].some((mark) => this.is(mark))) break;
        terms.push(this.signed());
      }
      this.budget.spend(terms.length);
      return terms.length === 1 ? (terms[0] as Node) : apply('add', ...terms);
    });
  }

  /** A term with the signs before it. */
  protected signed(): Node {
    const signs: string[] = [];
    for (;;) {
      const sign = ['+', '-', 'pm', 'mp'].find((mark) => this.is(mark));
      if (sign === undefined) break;
      this.at++;
      // `+-` is how some type a plus-minus.
      signs.push(sign === '+' && this.is('/') && this.is('-', 1) ? 'pm' : sign);
      if (signs.at(-1) === 'pm' && sign === '+') this.at += 2;
    }
    let result = this.term();
    if (signs.filter((sign) => sign === '-').length % 2 === 1) result = apply('negative', result);
    for (const sign of signs) if (sign === 'pm' || sign === 'mp') result = apply(sign, result);
    return result;
  }

  protected term(): Node {
    const factors = [this.factor()];
    for (;;) {
      this.budget.spend(1);
      if (['*', 'cdot', 'times'].some((mark) => this.is(mark))) {
        this.at++;
        factors.push(this.signedFactor());
      } else if (this.is('/') || this.is('div')) {
        this.at++;
        factors.push(apply('inverse', this.signedFactor()));
      } else if (this.startsFactor(factors.at(-1))) this.juxtaposed(factors);
      else break;
    }
    return factors.length === 1 ? (factors[0] as Node) : apply('multiply', ...factors);
  }

  /** A factor right behind another: a product, or the fraction of a mixed number. */
  protected juxtaposed(factors: Node[]): void {
    const last = factors.at(-1) as Node;
    const whole = last.kind === 'number' && last.places === 0 && last.value.d === 1n ? last : null;
    if (whole !== null && this.peek().kind === 'number') {
      const [top, bottom] = [this.peek(), this.peek(2)];
      if (!top.spaced || !this.is('/', 1) || bottom.kind !== 'number') throw new Refusal('syntax');
      const mixed = mixedNumber(whole, numberNode(top.text), numberNode(bottom.text));
      if (mixed === null) throw new Refusal('syntax');
      this.at += 3;
      factors[factors.length - 1] = mixed;
      return;
    }
    const isFraction = this.is('frac');
    const next = this.factor();
    const called = calledFunction(last, next);
    if (called !== null) {
      factors[factors.length - 1] = called;
      return;
    }
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

  protected startsFactor(before: Node | undefined): boolean {
    const { kind, text } = this.peek();
    if (kind === 'number') return before?.kind !== 'number' || this.is('/', 1);
    if (kind === 'symbol') return true;
    if (kind === 'text') return text.length === 1 && 'ie'.includes(text);
    if (kind === 'mark')
      return (
        (text === '(' && !this.isMod(1)) ||
        text === '{' ||
        (text === '[' && !this.frenchEnd()) ||
        (text === '|' && this.bars === 0 && !this.colonEnds)
      );
    if (kind !== 'macro') return false;
    return (
      FUNCTIONS.has(text) ||
      LETTERS.has(text) ||
      CONSTANTS.has(text) ||
      [
        'begin',
        'frac',
        'binom',
        'sqrt',
        'surd',
        'cuberoot',
        'sum',
        'prod',
        'lfloor',
        'lceil',
        'overline',
        'bar',
      ].includes(text) ||
      ACCENTS.has(text)
    );
  }

  protected signedFactor(): Node {
    if (this.take('-')) return this.budget.deeper(() => apply('negative', this.signedFactor()));
    if (this.take('+')) return this.budget.deeper(() => this.signedFactor());
    return this.factor();
  }

  /** An operand with the scripts and signs behind it. */
  protected factor(): Node {
    return this.budget.deeper(() => {
      let base = this.primary();
      for (;;) {
        this.budget.spend(1);
        if (this.is('!') && !this.is('=', 1)) {
          const double = this.is('!', 1) && !this.peek(1).spaced;
          this.at += double ? 2 : 1;
          base = apply(double ? 'doubleFactorial' : 'factorial', base);
        } else if (this.is('circ')) {
          this.at++;
          base = this.degrees(base);
        } else if (this.is('^')) {
          this.at++;
          base = this.power(base);
        } else if (this.is('_')) {
          this.at++;
          base = this.subscript(base);
        } else if (this.is("'") && base.kind === 'symbol') {
          this.at++;
          base = { kind: 'symbol', name: `${base.name}'` };
        } else if (
          base.kind === 'number' &&
          (this.is('overline') || this.is('bar') || this.is('dot') || this.repeats())
        ) {
          base = this.repeating();
        } else if (base.kind === 'number' && this.is('ldots')) {
          this.at++;
          const text = this.peek(-2).text;
          const last = text.slice(-3);
          if (base.places < 3 || last !== (last[0] ?? '').repeat(3)) throw new Refusal('syntax');
          base = repeatingNumber(text.slice(0, -3), last[0] ?? '');
        } else return base;
      }
    });
  }

  /** `0.(3)` */
  protected repeats(): boolean {
    return this.peek(-1).text.endsWith('.') && this.is('(') && this.peek(1).kind === 'number' && this.is(')', 2);
  }

  protected repeating(): Node {
    const before = this.peek(-1).text;
    this.at++;
    const digits = this.peek(this.is('{') ? 1 : 0);
    const grouped = this.take('{');
    if (digits.kind !== 'number') throw new Refusal('syntax');
    this.at++;
    if (grouped) this.close('}');
    else this.take(')');
    return repeatingNumber(before, digits.text);
  }

  protected power(base: Node): Node {
    if (this.is('circ') || (this.is('{') && this.is('circ', 1) && this.is('}', 2))) {
      this.at += this.is('{') ? 3 : 1;
      return this.degrees(base);
    }
    const primes = this.primes();
    if (primes > 0) return base.kind === 'symbol' ? { kind: 'symbol', name: base.name + "'".repeat(primes) } : base;
    const exponent = this.script();
    // 5^{th}
    if (exponent.kind === 'text') return base;
    return apply('power', base, exponent);
  }

  /** How many primes stand `offset` tokens on: `'`, `"` for two, `^{\prime}`. */
  protected primeMarks(offset: number): number {
    if (this.is('"', offset)) return 2;
    const raised = this.is('^', offset) ? (this.is('{', offset + 1) ? offset + 2 : offset + 1) : offset;
    const mark = raised === offset ? "'" : 'prime';
    let count = 0;
    while (this.is(mark, raised + count)) count++;
    return count;
  }

  /** `^\prime`, `^{\prime\prime}`: how many; 0 where there are none. */
  protected primes(): number {
    const grouped = this.is('{') && this.is('prime', 1);
    if (!grouped && !this.is('prime')) return 0;
    if (grouped) this.at++;
    let count = 0;
    while (this.take('prime')) count++;
    if (grouped) this.close('}');
    return count;
  }

  protected degrees(base: Node): Node {
    const grouped = this.is('{') && this.is('}', 2);
    const { kind, text } = this.peek(grouped ? 1 : 0);
    if ((kind === 'symbol' || kind === 'text') && (text === 'C' || text === 'F')) {
      this.at += grouped ? 3 : 1;
      return { kind: 'quantity', value: base, unit: `°${text}` };
    }
    // 55° 30' 12''
    const parts = [base];
    for (const [marks, unit] of [
      [1, 60],
      [2, 3600],
    ] as const) {
      const number = this.peek();
      if (number.kind !== 'number' || this.primeMarks(1) !== marks) break;
      this.at++;
      if (!this.take('"')) for (let i = 0; i < marks; i++) this.take("'");
      if (this.take('^')) this.primes();
      parts.push(apply('divide', numberNode(number.text), integer(unit)));
    }
    return apply('degree', parts.length === 1 ? base : apply('add', ...parts));
  }

  /** What stands behind `^`: a group, or one operand with a sign. */
  protected script(): Node {
    return this.budget.deeper(() => {
      if (this.take('-')) return apply('negative', this.script());
      if (this.take('+')) return this.script();
      const { kind, text } = this.peek();
      if (kind === 'text' && /^(th|st|nd|rd)$/.test(text)) {
        this.at++;
        return { kind: 'text', text };
      }
      return this.primary();
    });
  }

  protected subscript(base: Node): Node {
    const start = this.at;
    let name = '';
    if (this.take('{')) {
      let depth = 1;
      for (; this.peek().kind !== 'end'; this.at++) {
        if (this.is('{')) depth++;
        if (this.is('}') && --depth === 0) break;
        name += this.peek().text;
      }
      this.close('}');
    } else {
      name = this.peek().text;
      this.at++;
    }
    this.budget.spend(this.at - start);
    if (base.kind === 'symbol') return { kind: 'symbol', name: `${base.name}_${name}` };
    const digits = base.kind === 'number' ? base.value.n.toString() : '';
    if (base.kind !== 'number' || base.places !== 0 || base.value.d !== 1n) throw new Refusal('syntax');
    return basedNumber(digits, name);
  }
}

/** f(0) is no product; f(x) may as well be one, for it is a label or stands on both sides. */
function calledFunction(name: Node, argument: Node): Node | null {
  if (name.kind !== 'symbol' || !/^[fghpqFGHIPQSTV](?:_|'|$)/.test(name.name)) return null;
  if (argument.kind !== 'group' || argument.inner.kind !== 'number') return null;
  const { n, d } = argument.inner.value;
  return { kind: 'symbol', name: `${name.name}(${n}/${d})` };
}
