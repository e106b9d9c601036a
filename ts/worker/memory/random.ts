// Bound once: a lookup of a global is slow in the contexts that Jest runs modules in.
const { imul } = Math;

/**
 * A stream of numbers in [0, 1), by position. A function of its arguments with no state between, so
 * that a draw does not depend on what else was drawn.
 * @param path what names the stream; each part counts modulo 2^32
 */
export function stream(...path: readonly number[]): (position: number) => number {
  const key = path.reduce(absorb, 0x9e3779b9);
  return (position) => finalise(absorb(key, position)) / 2 ** 32;
}

function absorb(state: number, part: number): number {
  return finalise(imul(state ^ (part >>> 0), 0x85ebca6b) + 0x7f4a7c15);
}

/** The 32-bit finaliser of MurmurHash3: every input bit flips each output bit about half of the time. */
function finalise(value: number): number {
  let h = value | 0;
  h = imul(h ^ (h >>> 16), 0x85ebca6b);
  h = imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
