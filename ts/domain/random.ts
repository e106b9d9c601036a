import { InvalidArgument } from './errors.ts';

/** Uniform numbers in [0, 1), 53 random bits each. */
export type Random = () => number;

/** Where a stream sits in the tree of streams, e.g. `['solver', iteration, step]`. */
export type StreamPath = readonly (string | number)[];

/**
 * A named stream of random numbers: a pure function of `seed` and `path`. Streams of different paths
 * are unrelated, so drawing more from one never shifts another, and a resumed run can ask for the
 * stream of step 7 without having drawn those of steps 1 to 6.
 *
 * @param seed the run's seed, any safe integer
 * @param path names and indices; 1 and '1' are different
 */
export function stream(seed: number, ...path: (string | number)[]): Random {
  const next = sfc32(hash('stream', seed, path));
  return () => ((next() >>> 5) * 67_108_864 + (next() >>> 6)) / 9_007_199_254_740_992;
}

/** A uint32 seed for somebody else's generator (a worker's, say); a pure function of its arguments, like {@link stream}. */
export function seedOf(seed: number, ...path: (string | number)[]): number {
  return hash('seed', seed, path)[0];
}

/** A shuffled copy (Fisher-Yates), every order equally likely. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const item = result[i] as T;
    result[i] = result[j] as T;
    result[j] = item;
  }
  return result;
}

/** A random order of 0 ... n-1. */
export function permutation(n: number, random: Random): number[] {
  return shuffled(
    Array.from({ length: n }, (_, i) => i),
    random,
  );
}

type State = [number, number, number, number];

/**
 * 128 bits of a path. JSON keeps the parts apart (['ab'] from ['a','b'], 1 from '1'). Each lane is a
 * multiply-xor hash with a constant of its own; the lanes are mixed at the end, so that paths which
 * differ in a single bit differ everywhere.
 */
function hash(domain: string, seed: number, path: StreamPath): State {
  for (const part of [seed, ...path]) {
    if (typeof part === 'number' && !Number.isSafeInteger(part)) {
      throw new InvalidArgument(`random stream: ${part} in the seed or path; numbers there are safe integers`);
    }
  }
  const text = JSON.stringify([domain, seed, ...path]);
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = 0xb7e15162;
  let d = 0x6a09e667;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x85ebca6b);
    b = Math.imul(b ^ unit, 0xc2b2ae35) ^ (a >>> 15);
    c = Math.imul(c ^ unit, 0x27d4eb2f) ^ (b >>> 13);
    d = Math.imul(d ^ unit, 0x165667b1) ^ (c >>> 16);
  }
  for (let round = 0; round < 3; round++) {
    a = finalise(a + d);
    b = finalise(b + a);
    c = finalise(c + b);
    d = finalise(d + c);
  }
  return [a, b, c, d];
}

/** The 32-bit finaliser of MurmurHash3: every input bit flips each output bit about half of the time. */
function finalise(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Doty-Humphrey's sfc32 (PractRand): 128 bits of state with a counter in it, so no cycle is shorter than 2^32. */
function sfc32(state: State): () => number {
  let [a, b, c, counter] = state;
  const next = (): number => {
    const output = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + output;
    c |= 0;
    return output;
  };
  // The first outputs still show the seed.
  for (let i = 0; i < 12; i++) next();
  return next;
}
