import { mean } from './statistics.ts';
import { words } from './words.ts';

/** How long texts are and how they differ. Figures over nothing are NaN. */
export interface TextFigures {
  /** Mean length in UTF-16 code units. */
  length: number;
  /** Distinct texts as a share of all. */
  distinct: number;
  /** Distinct pairs of neighbouring words as a share of all: distinct-2 (Li et al. 2016, arXiv 1510.03055). */
  distinctBigrams: number;
}

/** Takes time with the number of words. */
export function textFigures(texts: readonly string[]): TextFigures {
  const bigrams = new Set<string>();
  let all = 0;
  for (const text of texts) {
    const own = words(text);
    all += Math.max(0, own.length - 1);
    for (let k = 1; k < own.length; k++) bigrams.add(`${own[k - 1]} ${own[k]}`);
  }
  return {
    length: mean(texts.map((text) => text.length)),
    distinct: new Set(texts).size / texts.length,
    distinctBigrams: bigrams.size / all,
  };
}
