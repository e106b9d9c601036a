import { LIMITS, Refusal } from './budget.ts';
import { Expressions } from './expressions.ts';
import { apply, integer, type Node } from './tree.ts';
import { plainWords, SCALE_WORDS } from './words.ts';

/** Words before a value that say nothing about it. */
const PREFIXES: ReadonlySet<string> = new Set(
  'about approximately exactly roughly answer is answer: rs rs. usd total around'.split(' '),
);

/** The layer of the grammar around expressions: units, currencies, percent signs and ratios. */
export abstract class Measures extends Expressions {
  protected ratio(): Node {
    const items = [this.measured()];
    while ((!this.colonEnds && this.is(':')) || this.isWord('to')) {
      this.at++;
      if (items.length >= LIMITS.items) throw new Refusal('items');
      items.push(this.measured());
    }
    return items.length === 1 ? (items[0] as Node) : this.unit({ kind: 'ratio', items });
  }

  /** A sum with what may stand around it: a currency sign, a percent sign, words. */
  protected measured(): Node {
    const first = this.peek();
    if (first.kind === 'text') {
      const words = plainWords(first.text);
      const letter = first.text.length === 1;
      const value = this.peek(1);
      const prefix = words.split(' ').every((word) => PREFIXES.has(word)) && value.kind !== 'end';
      if (prefix) this.at++;
      else if (!letter) {
        this.at++;
        return { kind: 'text', text: first.text };
      }
    }
    const sign = this.is('-') && this.isCurrency(1);
    if (sign) this.at++;
    if (this.isCurrency(0)) {
      const unit = this.peek().text;
      this.at++;
      const value = this.sum();
      return this.unit({ kind: 'quantity', value: sign ? apply('negative', value) : value, unit });
    }
    return this.unit(this.sum());
  }

  protected isCurrency(offset: number): boolean {
    return ['$', '£', '€', '₹', '¥'].some((mark) => this.is(mark, offset));
  }

  protected unit(value: Node): Node {
    if (this.take('%')) return { kind: 'percent', value };
    if (this.isCurrency(0)) {
      this.at++;
      return { kind: 'quantity', value, unit: this.peek(-1).text };
    }
    const token = this.peek();
    if (token.kind !== 'text' || this.isWord('to', 'for', 'where')) return value;
    const [first = '', ...others] = plainWords(token.text).split(' ');
    const scale = SCALE_WORDS.get(first);
    if (scale !== undefined) {
      this.at++;
      const scaled = apply('multiply', value, integer(scale));
      return others.length === 0 ? this.unit(scaled) : { kind: 'quantity', value: scaled, unit: others.join(' ') };
    }
    let unit = token.text;
    this.at++;
    if (/^(percent|per cent|percentage|pct)\.?$/i.test(unit.trim())) return { kind: 'percent', value };
    for (;;) {
      if (this.is('^')) {
        this.at++;
        const group = this.take('{');
        const sign = this.take('-') ? '-' : '';
        unit += ` ^${sign}${this.peek().text}`;
        this.at++;
        if (group) this.close('}');
      } else if ((this.is('cdot') || this.is('-')) && this.peek(1).kind === 'text') {
        this.at++;
      } else if (this.peek().kind === 'text' || (this.is('/') && this.peek(1).kind === 'text')) {
        unit += ` ${this.peek().text}`;
        this.at++;
      } else break;
    }
    if (value.kind === 'quantity') return { ...value, unit: value.unit === '$' ? '$' : `${value.unit} ${unit}` };
    return { kind: 'quantity', value, unit };
  }
}
