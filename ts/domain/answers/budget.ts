/**
 * What one answer may cost. Every limit counts something in the input or in the work done for it, never time, so
 * that a verdict is the same on any machine under any load.
 */
export const LIMITS = {
  /** UTF-16 units of an answer; longer ones are compared as they stand. */
  characters: 4096,
  tokens: 3000,
  /** Brackets, scripts and arguments inside each other. */
  depth: 80,
  /** Units of work of about a microsecond each: for parsing and evaluating one answer, and again for one comparison. */
  steps: 20_000,
  /** Bits of an exact numerator or denominator. */
  bits: 40_000,
  /** Members of a list, set or tuple; entries of a matrix. */
  items: 64,
  /** Terms of a sum or factors of a product. */
  terms: 3000,
} as const;

/**
 * Why an answer has no meaning, or why two could not be told apart. `syntax`: not an expression; `undefined`: no value
 * there (1/0); `unsupported`: what is not computed here (integrals, limits, sums without end); `precision`: the digits carried do not settle it; the others: a limit of {@link LIMITS} was met.
 */
export type RefusalReason = keyof typeof LIMITS | 'syntax' | 'undefined' | 'unsupported' | 'precision';

/** Thrown inside the engine and caught at its edges; no caller of the engine sees it. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(reason);
    this.reason = reason;
  }
}

/** Is this refusal about the size of the work, and not about the meaning of the text? */
export function isLimit(reason: RefusalReason): boolean {
  return Object.hasOwn(LIMITS, reason);
}

/** Counts the work of one answer or one comparison. */
export class Budget {
  #steps = 0;
  #depth = 0;

  /** Units of work spent so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Announce work, before it is done. @throws Refusal `steps` when it is more than is left of `LIMITS.steps` */
  spend(steps: number): void {
    const left = LIMITS.steps - this.#steps;
    this.#steps += Math.min(steps, left);
    if (steps > left) throw new Refusal('steps');
  }

  /** Run `work` one level deeper. @throws Refusal `depth` beyond `LIMITS.depth` */
  deeper<T>(work: () => T): T {
    if (this.#depth >= LIMITS.depth) throw new Refusal('depth');
    this.#depth++;
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}
