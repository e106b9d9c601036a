import type { Random } from '../../domain/random.ts';

/** Two answers of which it is known whether they are the same. */
export interface Pair {
  id: string;
  kind: string;
  gold: string;
  pred: string;
  /** null: nobody can say (hostile inputs), so only time counts. */
  truth: boolean | null;
}

/** Draws of one pair: numbers and choices, all from one stream. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.#random() * (high - low + 1));
  }

  /** The same without 0. */
  nonZero(low: number, high: number): number {
    const value = this.int(low, high);
    return value === 0 ? high : value;
  }

  chance(p = 0.5): boolean {
    return this.#random() < p;
  }

  one<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)] as T;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(Math.floor(this.#random() * rest.length), 1)[0] as T);
  }

  /** `count` whole numbers, no two the same. */
  distinct(count: number, low: number, high: number): number[] {
    const values = new Set<number>();
    while (values.size < count) values.add(this.int(low, high));
    return [...values];
  }
}

/**
 * Writes an answer and another: the same value in another form when `equal`, else one that differs from it by
 * construction, and by little.
 */
export type Kind = (draw: Draw, equal: boolean) => readonly [gold: string, pred: string];
