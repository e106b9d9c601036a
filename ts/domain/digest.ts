import { InvalidArgument } from './errors.ts';

/** Bytes of a set's slot: 128 bits. */
const LANES = 4;
const SMALLEST = 1024;

/** How two questions are compared for being the same: Unicode form, case, white space and final punctuation do not matter. */
export function normalizedQuestion(question: string): string {
  const text = question
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\u0085]+/g, ' ');
  let end = text.length;
  while (end > 0 && ' .?!'.includes(text[end - 1] as string)) end--;
  return text.slice(text.startsWith(' ') ? 1 : 0, end);
}

/**
 * A set of texts by their 128-bit digests: 16 bytes a slot, at most twice 1 / 0.7 slots a text, whatever the texts'
 * lengths. Two texts of n are taken for one with a chance of about n^2 / 2^129, unless somebody works at it: the
 * digest is fast, not cryptographic.
 */
export class DigestSet {
  private slots = new Uint32Array(SMALLEST * LANES);
  private count = 0;
  private readonly most: number;

  /** @param most texts that are remembered; those beyond it count as new each time */
  constructor(most = Number.POSITIVE_INFINITY) {
    if (!(most >= 1)) throw new InvalidArgument(`DigestSet: most is ${most}, allowed are numbers from 1`);
    this.most = most;
  }

  /** Texts in the set. */
  get size(): number {
    return this.count;
  }

  /** Add a text. @returns false when it was there */
  add(text: string): boolean {
    const digest = digestOf(text);
    const slot = find(this.slots, digest, 0);
    if (!isFree(this.slots, slot)) return false;
    if (this.count >= this.most) return true;
    this.slots.set(digest, slot);
    this.count++;
    if (this.count > 0.7 * (this.slots.length / LANES)) this.grow();
    return true;
  }

  private grow(): void {
    const larger = new Uint32Array(this.slots.length * 2);
    for (let slot = 0; slot < this.slots.length; slot += LANES) {
      if (isFree(this.slots, slot)) continue;
      larger.set(this.slots.subarray(slot, slot + LANES), find(larger, this.slots, slot));
    }
    this.slots = larger;
  }
}

/** Where a digest lies, or the free slot where it belongs: linear probing in a power of two of slots. */
function find(slots: Uint32Array, digest: Uint32Array, at: number): number {
  const mask = slots.length / LANES - 1;
  for (let index = (digest[at] as number) & mask; ; index = (index + 1) & mask) {
    const slot = index * LANES;
    if (isFree(slots, slot)) return slot;
    let same = true;
    for (let lane = 0; lane < LANES && same; lane++) same = slots[slot + lane] === digest[at + lane];
    if (same) return slot;
  }
}

/** No digest has 0 in its last lane. */
function isFree(slots: Uint32Array, slot: number): boolean {
  return slots[slot + LANES - 1] === 0;
}

/** Four lanes of multiply and rotate over UTF-16 units, each fed by its neighbour and mixed at the end, in the manner of MurmurHash3. */
function digestOf(text: string): Uint32Array {
  let [a, b, c, d] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  for (let i = 0; i < text.length; i++) {
    const unit = Math.imul(text.charCodeAt(i) + 1, 0xcc9e2d51);
    const k = (unit << 15) | (unit >>> 17);
    a = Math.imul(rotate(a ^ k, 13) + b, 5) + 0x561ccd1b;
    b = Math.imul(rotate(b ^ a, 17) + c, 5) + 0x0bcaa747;
    c = Math.imul(rotate(c ^ k, 15) + d, 5) + 0x96cd1c35;
    d = Math.imul(rotate(d ^ c, 18) + a, 5) + 0x32ac3b17;
  }
  for (let round = 0; round < 2; round++) {
    a = finalise(a + d + text.length);
    b = finalise(b + a);
    c = finalise(c + b);
    d = finalise(d + c);
  }
  return Uint32Array.of(a, b, c, d === 0 ? 1 : d);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finalise(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
