import { indexNgrams, type Ngrams } from './ngrams.ts';
import { words } from './words.ts';

/** A text that is like another, by its index. */
export interface Like {
  text: number;
  /** Jaccard similarity of the sets of words, in (0, 1]. */
  similarity: number;
}

/** Occurrences of words that are looked at for one text: those of its rarest words. */
const EFFORT = 4096;
/** Texts whose similarity is computed, those with the most of the rare words. */
const CANDIDATES = 64;

/**
 * Finds the likest of many texts by Jaccard similarity (see jaccard.ts) without comparing all of them: texts that are
 * alike have rare words in common. An inverted index gives those that share a text's rarest words, and of the ones that
 * share most the similarity is computed exactly. It may miss a text that shares common words alone.
 */
export class LikestTexts {
  private readonly sizes: Int32Array;
  private readonly index: Ngrams;
  /** Rare words of the text at hand that each text has; all 0 between calls. */
  private readonly shared: Int32Array;

  constructor(texts: readonly string[]) {
    const sets = texts.map((text) => [...new Set(words(text))]);
    this.sizes = Int32Array.from(sets, (set) => set.length);
    this.index = indexNgrams(sets, 1)[0] as Ngrams;
    this.shared = new Int32Array(texts.length);
  }

  /**
   * The likest texts of those from index `from` on, the likest first, of equals the first.
   *
   * @param text index of a text
   * @param count of texts that are wanted
   */
  of(text: number, from: number, count: number): Like[] {
    const candidates = this.sharing(text, from);
    const found = candidates.map((other) => ({ text: other, similarity: this.similarity(text, other) }));
    return found.sort((a, b) => b.similarity - a.similarity || a.text - b.text).slice(0, count);
  }

  /** Texts that share most of a text's rarest words, in no order. */
  private sharing(text: number, from: number): number[] {
    const { texts } = this.index;
    const { shared } = this;
    const touched: number[] = [];
    let effort = EFFORT;
    for (const word of this.rarestFirst(text)) {
      const end = texts.starts[word + 1] as number;
      for (let k = firstAtLeast(texts.values, texts.starts[word] as number, end, from); k < end && effort > 0; k++) {
        const other = texts.values[k] as number;
        effort -= 1;
        if (other === text) continue;
        if (shared[other] === 0) touched.push(other);
        shared[other] = (shared[other] as number) + 1;
      }
    }
    const most = touched.sort((a, b) => (shared[b] as number) - (shared[a] as number) || a - b).slice(0, CANDIDATES);
    for (const other of touched) shared[other] = 0;
    return most;
  }

  private rarestFirst(text: number): Int32Array {
    const { ofText, texts } = this.index;
    const frequency = (word: number): number => (texts.starts[word + 1] as number) - (texts.starts[word] as number);
    const own = ofText.values.slice(ofText.starts[text] as number, ofText.starts[text + 1] as number);
    return own.sort((a, b) => frequency(a) - frequency(b) || a - b);
  }

  private similarity(one: number, other: number): number {
    const { starts, values } = this.index.ofText;
    const [oneEnd, otherEnd] = [starts[one + 1] as number, starts[other + 1] as number];
    let both = 0;
    for (let i = starts[one] as number, j = starts[other] as number; i < oneEnd && j < otherEnd; ) {
      const difference = (values[i] as number) - (values[j] as number);
      if (difference === 0) both += 1;
      if (difference <= 0) i += 1;
      if (difference >= 0) j += 1;
    }
    return both / ((this.sizes[one] as number) + (this.sizes[other] as number) - both);
  }
}

/** Where in `values[from]` to `values[to - 1]`, ascending, the first value is that is at least `least`. */
function firstAtLeast(values: Int32Array, from: number, to: number, least: number): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
