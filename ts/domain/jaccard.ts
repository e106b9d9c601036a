import type { Comparison, Similarity } from './comparison.ts';
import { countMatches, indexNgrams, type Ngrams } from './ngrams.ts';
import { words } from './words.ts';

/**
 * Jaccard similarity of the sets of words (whitespace-separated): words in both over words in either. Symmetric. Texts
 * of the same words are at distance 0, whatever their order; so are two texts without words.
 */
export const jaccard: Similarity = {
  symmetric: true,
  compare: (texts) => new JaccardComparison(texts.map((text) => [...new Set(words(text))])),
};

class JaccardComparison implements Comparison {
  readonly size: number;
  private readonly sizes: Int32Array;
  private readonly index: Ngrams;
  private readonly shared: Int32Array;

  constructor(sets: readonly string[][]) {
    this.size = sets.length;
    this.sizes = Int32Array.from(sets, (set) => set.length);
    this.index = indexNgrams(sets, 1)[0] as Ngrams;
    this.shared = new Int32Array(sets.length);
  }

  row(i: number, into: Float64Array, at: number): void {
    const { size, sizes, shared } = this;
    const common = countMatches(this.index, i, shared);
    const own = sizes[i] as number;
    for (let j = i + 1; j < size; j++) {
      const both = (shared[j] as number) + common;
      const either = own + (sizes[j] as number) - both;
      into[at + j - i - 1] = either === 0 ? 0 : 1 - both / either;
    }
    shared.fill(0, i + 1);
  }
}
