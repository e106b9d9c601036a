import { type Budget, LIMITS, Refusal } from './budget.ts';
import { tokenize } from './lexer.ts';
import { Measures } from './measures.ts';
import { LAYOUTS, MATRICES, RELATIONS, SET_OPERATIONS } from './notation.ts';
import { apply, type Node, type Relation } from './tree.ts';
import { NUMBER_WORDS, plainWords } from './words.ts';

/**
 * The tree of a cleaned answer.
 *
 * @param repair accept unbalanced brackets and stray `\end{...}`
 * @throws Refusal `syntax` for what is no expression, or a limit
 */
export function parse(text: string, budget: Budget, repair: boolean): Node {
  return new Parser(tokenize(text), budget, repair).answer();
}

/** The outermost layer of the grammar: lists, relations, sets and environments. */
class Parser extends Measures {
  answer(): Node {
    this.skipEnvironments();
    const result = this.list();
    while (this.repair && this.peek().kind !== 'end') {
      if (this.is('}') || this.is('.')) this.at++;
      else if (!this.skipEnvironments()) break;
    }
    if (this.peek().kind !== 'end') throw new Refusal('syntax');
    return result;
  }

  protected list(): Node {
    const start = this.at;
    const items = this.items();
    const [only] = items;
    if (only === undefined) throw new Refusal('syntax');
    if (items.length === 1) return only;
    const words = this.tokens.slice(start, this.at).filter((token) => token.kind === 'macro');
    const joiner = words.some(({ text }) => text === 'or')
      ? 'or'
      : words.some(({ text }) => text === 'and')
        ? 'and'
        : ',';
    return { kind: 'list', items, joiner };
  }

  /** Members up to a closing bracket or the end; separators at either end are of no account. */
  protected items(): Node[] {
    const items: Node[] = [];
    for (;;) {
      while (this.separator());
      if (this.closes()) return items;
      if (items.length >= LIMITS.items) throw new Refusal('items');
      items.push(this.relation());
      const last = items.at(-1);
      // `5 feet 6 inches`: two quantities side by side.
      const glued = last?.kind === 'quantity' && this.peek().kind === 'number';
      if (!glued && !this.isSeparator() && !this.closes()) throw new Refusal('syntax');
    }
  }

  protected isSeparator(): boolean {
    return (
      [',', ';', 'and', 'or', '\\\\', '&'].some((mark) => this.is(mark)) ||
      this.isWord('for', 'where') ||
      (this.is('.') && this.peek(1).kind === 'end')
    );
  }

  protected separator(): boolean {
    if (!this.isSeparator()) return false;
    this.at++;
    return true;
  }

  protected closes(): boolean {
    const { kind, text } = this.peek();
    if (kind === 'end') return true;
    if (kind === 'macro') return ['rangle', 'end', 'over', 'choose', 'atop'].includes(text);
    if (kind !== 'mark') return false;
    if (text === '|') return this.bars > 0 || this.colonEnds;
    if (text === ':') return this.colonEnds;
    // ]a, b[ begins with it.
    if (text === ']') return this.brackets > 0;
    if (text === '[') return this.brackets > 0 && this.frenchEnd();
    return text === ')' || text === '}' || text === '}set';
  }

  protected relation(): Node {
    return this.budget.deeper(() => {
      this.budget.spend(2);
      const label = this.heading();
      if (label !== null) {
        const said = this.relation();
        return said.kind === 'relation' ? said : { kind: 'relation', ops: ['='], items: [label, said] };
      }
      const items: Node[] = [];
      const ops: Relation[] = [];
      if (this.take('approx')) items.length = 0;
      items.push(this.setExpression());
      for (;;) {
        const { kind, text } = this.peek();
        const op = kind === 'mark' || kind === 'macro' ? RELATIONS.get(text) : undefined;
        if (op === undefined) break;
        this.at++;
        if (ops.length >= LIMITS.items) throw new Refusal('items');
        ops.push(op);
        items.push(this.setExpression());
      }
      const modulus = this.modulus();
      if (modulus !== null) {
        const value = items.pop() as Node;
        items.push({ kind: 'tuple', open: '<', close: '>', items: [apply('remainder', value, modulus), modulus] });
      }
      return items.length === 1 ? (items[0] as Node) : { kind: 'relation', ops, items };
    });
  }

  /** The words before the colon of `Area: 5`; null where there are none, or words behind it too, as in a ratio. */
  protected heading(): Node | null {
    const { kind, text } = this.peek();
    const next = this.peek(2).kind;
    if (kind !== 'text' || text.length < 2 || this.colonEnds || !this.is(':', 1)) return null;
    if (next === 'text' || next === 'end' || NUMBER_WORDS.has(plainWords(text))) return null;
    this.at += 2;
    return { kind: 'text', text };
  }

  /** `\pmod{7}`, `(\bmod 7)`, `\mod 7`, `(mod 7)`. */
  protected modulus(): Node | null {
    const bracket = this.is('(') && this.isMod(1);
    if (!bracket && !this.isMod(0)) return null;
    this.at += bracket ? 2 : 1;
    const modulus = this.factor();
    if (bracket) this.close(')');
    return modulus;
  }

  protected setExpression(): Node {
    let left = this.ratio();
    for (;;) {
      const { kind, text } = this.peek();
      const name = kind === 'macro' ? SET_OPERATIONS.get(text) : undefined;
      if (name === undefined) return left;
      this.at++;
      this.budget.spend(5);
      left =
        left.kind === 'apply' && left.name === name
          ? apply(name, ...left.args, this.ratio())
          : apply(name, left, this.ratio());
    }
  }

  // Environments

  protected environmentName(): string {
    this.close('{');
    let name = '';
    for (; this.peek().kind !== 'end' && !this.is('}'); this.at++) name += this.peek().text;
    this.close('}');
    return name.replaceAll('*', '').replaceAll(' ', '');
  }

  /** Stray `\end{align*}` and the like at the edge of an answer. */
  protected skipEnvironments(): boolean {
    if (!this.repair) return false;
    const start = this.at;
    while (this.is('end')) {
      this.at++;
      this.environmentName();
    }
    return this.at > start;
  }

  protected environment(): Node {
    return this.inside(() => {
      const name = this.environmentName();
      if (name === 'array' && this.is('{')) this.environmentName();
      if (MATRICES.has(name)) return this.matrix();
      if (!LAYOUTS.has(name)) throw new Refusal('syntax');
      const inner = this.list();
      if (this.take('end')) this.environmentName();
      return inner;
    });
  }

  protected matrix(): Node {
    const rows: Node[][] = [[]];
    let entries = 0;
    while (!this.is('end') && this.peek().kind !== 'end') {
      const row = rows.at(-1) as Node[];
      if (this.take('\\\\')) {
        rows.push([]);
        continue;
      }
      if (this.take('&')) continue;
      if (++entries > LIMITS.items) throw new Refusal('items');
      row.push(this.relation());
      if (!this.is('&') && !this.is('\\\\') && !this.is('end')) throw new Refusal('syntax');
    }
    if (this.take('end')) this.environmentName();
    const filled = rows.filter((row) => row.length > 0);
    if (filled.length === 0 || filled.some((row) => row.length !== filled[0]?.length)) throw new Refusal('syntax');
    return { kind: 'matrix', rows: filled };
  }
}
