/**
 * Number `position` of a stream, in [0, 1). A function of its arguments with no state between, so a
 * draw does not depend on what else was drawn.
 * @param path what names the stream; each part counts modulo 2^32
 */
export function uniform(path: readonly number[], position: number): number {
  let h = 0x9e3779b9;
  for (const part of [...path, position]) h = finalise(Math.imul(h ^ (part >>> 0), 0x85ebca6b) + 0x7f4a7c15);
  return finalise(h) / 2 ** 32;
}

/** The 32-bit finaliser of MurmurHash3: every input bit flips each output bit about half of the time. */
function finalise(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
