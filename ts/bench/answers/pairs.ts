import { stream } from '../../domain/random.ts';
import { ALGEBRA } from './algebra.ts';
import { NUMBERS } from './numbers.ts';
import { Draw, type Kind, type Pair } from './pair.ts';
import { STRUCTURES } from './structures.ts';
import { WORDED } from './words.ts';

/** Every kind of answer that is made up. */
export const KINDS: Readonly<Record<string, Kind>> = { ...NUMBERS, ...ALGEBRA, ...STRUCTURES, ...WORDED };

/**
 * Pairs whose truth is known because they were made so: of each kind as many, half of them equal. Pair n of a kind is the
 * same for every `count`.
 *
 * @param count of all kinds together; at least one of each kind and truth is made
 */
export function makePairs(count: number, seed: number): Pair[] {
  const kinds = Object.entries(KINDS);
  const each = Math.max(2, Math.ceil(count / kinds.length));
  return kinds.flatMap(([kind, make]) =>
    Array.from({ length: each }, (_, n) => {
      const truth = n % 2 === 0;
      const [gold, pred] = make(new Draw(stream(seed, 'answers', kind, n)), truth);
      return { id: `${kind} ${n}`, kind, gold, pred, truth };
    }),
  );
}
