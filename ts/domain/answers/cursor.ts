import { type Budget, Refusal } from './budget.ts';
import type { Token } from './lexer.ts';
import { SET_OPERATIONS } from './notation.ts';
import { plainWords } from './words.ts';

/** A place in the tokens of an answer, and what of its surroundings bears on how they are read. */
export class Cursor {
  protected readonly tokens: Token[];
  protected readonly budget: Budget;
  protected readonly repair: boolean;
  protected at = 0;
  /** Open bars of absolute values; a bar then closes. */
  protected bars = 0;
  /** Open round and square brackets. */
  protected brackets = 0;
  /** Is a colon a part of what surrounds the expression, as in {x : x > 1}? */
  protected colonEnds = false;

  constructor(tokens: Token[], budget: Budget, repair: boolean) {
    this.tokens = tokens;
    this.budget = budget;
    this.repair = repair;
  }

  protected peek(offset = 0): Token {
    return this.tokens[Math.min(this.at + offset, this.tokens.length - 1)] as Token;
  }

  protected is(mark: string, offset = 0): boolean {
    const token = this.peek(offset);
    return token.text === mark && (token.kind === 'mark' || token.kind === 'macro');
  }

  protected take(mark: string): boolean {
    if (!this.is(mark)) return false;
    this.at++;
    return true;
  }

  /** A closing bracket, which a repaired answer may lack at its end. */
  protected close(mark: string): void {
    if (this.take(mark)) return;
    if (this.repair && this.peek().kind === 'end') return;
    throw new Refusal('syntax');
  }

  /** Run a rule one level deeper, with the bars and colons of the outer expression out of sight. */
  protected inside<T>(rule: () => T): T {
    const [bars, colonEnds] = [this.bars, this.colonEnds];
    this.bars = 0;
    this.colonEnds = false;
    const result = this.budget.deeper(rule);
    this.bars = bars;
    this.colonEnds = colonEnds;
    return result;
  }

  /** A word that joins what stands before and after it. */
  protected isWord(...words: string[]): boolean {
    const token = this.peek();
    return token.kind === 'text' && words.includes(plainWords(token.text));
  }

  protected isMod(offset: number): boolean {
    const { kind, text } = this.peek(offset);
    return (kind === 'macro' && ['pmod', 'bmod', 'mod'].includes(text)) || (kind === 'text' && text === 'mod');
  }

  /** Is the `[` at the cursor the end of ]a, b[? */
  protected frenchEnd(): boolean {
    const { kind, text } = this.peek(1);
    return kind === 'end' || (kind === 'macro' && SET_OPERATIONS.has(text)) || text === '}';
  }
}
