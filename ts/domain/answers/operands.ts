import { LIMITS, Refusal } from './budget.ts';
import { Cursor } from './cursor.ts';
import { ACCENTS, CONSTANTS, INVERTIBLE, LETTERS, NUMBER_SETS } from './notation.ts';
import { numberNode } from './numerals.ts';
import { apply, type Bracket, integer, type Node } from './tree.ts';
import { FUNCTIONS } from './words.ts';

/** The innermost layer of the grammar: numbers, letters, brackets, and macros with their arguments. */
export abstract class Operands extends Cursor {
  protected abstract list(): Node;
  protected abstract items(): Node[];
  protected abstract relation(): Node;
  protected abstract sum(): Node;
  protected abstract term(): Node;
  protected abstract factor(): Node;
  protected abstract script(): Node;
  protected abstract juxtaposed(factors: Node[]): void;
  protected abstract startsFactor(before: Node | undefined): boolean;
  protected abstract environment(): Node;

  protected primary(): Node {
    this.budget.spend(1);
    const token = this.peek();
    this.at++;
    switch (token.kind) {
      case 'number':
        return numberNode(token.text);
      case 'symbol':
        return { kind: 'symbol', name: token.text };
      case 'text':
        if (token.text.length === 1) return { kind: 'symbol', name: token.text };
        throw new Refusal('syntax');
      case 'macro':
        return this.macro(token.text);
      case 'mark':
        return this.bracketed(token.text);
      default:
        throw new Refusal('syntax');
    }
  }

  protected bracketed(mark: string): Node {
    switch (mark) {
      case '{':
        return this.inside(() => this.group());
      case '(':
      case '[':
        return this.inside(() => this.sequence(mark));
      case ']':
        return this.inside(() => this.sequence('('));
      case '<':
        return this.inside(() => {
          const items = this.vectorItems();
          this.close('>');
          return { kind: 'tuple', open: '<', close: '>', items };
        });
      case 'set{':
        return this.inside(() => this.set());
      case '|': {
        const colonEnds = this.colonEnds;
        this.bars++;
        const inner = this.budget.deeper(() => this.sum());
        this.bars--;
        this.colonEnds = colonEnds;
        this.close('|');
        return apply('abs', inner);
      }
      default:
        throw new Refusal('syntax');
    }
  }

  /** <1, 2>, whose `>` is no relation. */
  protected vectorItems(): Node[] {
    const items = [this.sum()];
    while (this.take(',')) items.push(this.sum());
    if (items.length > LIMITS.items) throw new Refusal('items');
    return items;
  }

  /** `{...}`: a group, `{a \over b}`, or a set whose backslashes were lost. */
  protected group(): Node {
    const items = this.items();
    const [only] = items;
    const stack = ['over', 'choose', 'atop'].find((name) => this.is(name));
    if (stack !== undefined) {
      this.at++;
      const below = this.list();
      this.close('}');
      if (only === undefined || items.length > 1) throw new Refusal('syntax');
      return apply(stack === 'over' ? 'divide' : 'binomial', only, below);
    }
    this.close('}');
    if (only === undefined) throw new Refusal('syntax');
    return items.length === 1 ? only : { kind: 'set', items };
  }

  protected sequence(open: '(' | '['): Node {
    this.brackets++;
    const items = this.items();
    this.brackets--;
    const close = [')', ']'].find((mark) => this.take(mark));
    const french = close === undefined && this.take('[');
    if (close === undefined && !french && !(this.repair && this.peek().kind === 'end')) throw new Refusal('syntax');
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
  protected set(): Node {
    if (this.take('}set')) return { kind: 'set', items: [] };
    this.colonEnds = true;
    const items = this.items();
    this.colonEnds = false;
    if (this.take('|') || this.take(':')) {
      const variable = items[0];
      if (items.length !== 1 || variable === undefined) throw new Refusal('syntax');
      const conditions = this.items();
      this.close('}set');
      return { kind: 'builder', variable, conditions };
    }
    if (!this.take('}set')) this.close('}');
    return { kind: 'set', items };
  }

  protected macro(name: string): Node {
    const letter = CONSTANTS.get(name) ?? (LETTERS.has(name) ? name : undefined);
    if (letter !== undefined) return { kind: 'symbol', name: letter };
    if (NUMBER_SETS.has(name)) return { kind: 'symbol', name };
    if (FUNCTIONS.has(name)) return this.function(FUNCTIONS.get(name) ?? name, name);
    if (ACCENTS.has(name)) return this.factor();
    switch (name) {
      case 'frac':
        return apply('divide', this.argument(), this.argument());
      case 'binom':
        return apply('binomial', this.argument(), this.argument());
      case 'sqrt':
      case 'surd':
        return this.root();
      case 'cuberoot':
        return apply('root', integer(3), this.primary());
      case 'sum':
        return this.series('sum');
      case 'prod':
        return this.series('product');
      case 'lfloor':
        return this.delimited('floor', 'rfloor');
      case 'lceil':
        return this.delimited('ceil', 'rceil');
      case 'langle':
        return this.inside(() => {
          const items = this.items();
          this.close('rangle');
          return { kind: 'tuple', open: '<', close: '>', items };
        });
      case 'overline':
      case 'bar': {
        const inner = this.argument();
        return inner.kind === 'symbol' ? { kind: 'symbol', name: `bar ${inner.name}` } : apply('conjugate', inner);
      }
      case 'begin':
        return this.environment();
      default:
        throw new Refusal('syntax');
    }
  }

  protected delimited(name: string, end: string): Node {
    const inner = this.inside(() => this.sum());
    this.close(end);
    return apply(name, inner);
  }

  /** The argument of a macro: a group, a macro, or a single digit or letter. */
  protected argument(): Node {
    const token = this.peek();
    if (token.kind === 'number' && token.text.length > 1) {
      this.tokens[this.at] = { ...token, text: token.text.slice(1), spaced: false };
      return numberNode(token.text[0] ?? '');
    }
    if (token.kind === 'mark' && token.text !== '{' && token.text !== '(') throw new Refusal('syntax');
    return this.budget.deeper(() => this.primary());
  }

  /** \sqrt{2}, \sqrt[3]{2}, and sqrt(2) or √12, whose argument is the operand that follows. */
  protected root(): Node {
    if (this.take('[')) {
      const index = this.inside(() => this.sum());
      this.close(']');
      return apply(
        'root',
        index,
        this.budget.deeper(() => this.primary()),
      );
    }
    if (this.is('}')) throw new Refusal('syntax');
    return apply(
      'root',
      integer(2),
      this.budget.deeper(() => this.primary()),
    );
  }

  protected series(name: 'sum' | 'product'): Node {
    let from: Node | null = null;
    let to: Node | null = null;
    for (let i = 0; i < 2; i++) {
      if (this.take('_')) {
        this.close('{');
        from = this.inside(() => this.relation());
        this.close('}');
      } else if (this.take('^')) to = this.script();
    }
    if (from?.kind !== 'relation' || from.items[0]?.kind !== 'symbol' || from.ops[0] !== '=' || to === null) {
      throw new Refusal('syntax');
    }
    const body = this.budget.deeper(() => this.term());
    return { kind: 'series', name, variable: from.items[0].name, from: from.items[1] as Node, to, body };
  }

  protected function(name: string, written: string): Node {
    let exponent: Node | null = null;
    let base: Node | null = null;
    for (let i = 0; i < 2; i++) {
      if (exponent === null && this.take('^')) exponent = this.script();
      else if (base === null && name === 'log' && this.take('_')) base = this.argument();
    }
    const argument = this.inside(() => this.functionArgument());
    const args = argument.kind === 'tuple' || argument.kind === 'set' ? argument.items : [argument];
    if (name === 'log') args.length === 1 && (args as Node[]).unshift(base ?? integer(10));
    if (written === 'lg' && args.length !== 2) throw new Refusal('syntax');
    const inverse = exponent?.kind === 'apply' && exponent.name === 'negative' && isOne(exponent.args[0]);
    if (exponent === null) return apply(name, ...args);
    if (inverse && INVERTIBLE.has(name)) return apply(`arc${name}`, ...args);
    return apply('power', apply(name, ...args), exponent);
  }

  /** A bracket, or a product up to the next operator or function. */
  protected functionArgument(): Node {
    if (this.is('(') || this.is('[') || this.is('set{')) {
      const inner = this.primary();
      return inner.kind === 'group' ? inner.inner : inner;
    }
    if (this.take('-')) return apply('negative', this.functionArgument());
    const factors = [this.factor()];
    while (this.startsFactor(factors.at(-1)) && !FUNCTIONS.has(this.peek().text) && !this.is('sum'))
      this.juxtaposed(factors);
    const hasPi = factors.some((factor) => factor.kind === 'symbol' && factor.name === 'pi');
    if (hasPi && this.is('/') && this.peek(1).kind === 'number') {
      this.at++;
      factors.push(apply('inverse', this.factor()));
    }
    return factors.length === 1 ? (factors[0] as Node) : apply('multiply', ...factors);
  }
}

function isOne(node: Node | undefined): boolean {
  return node?.kind === 'number' && node.value.n === 1n && node.value.d === 1n;
}
