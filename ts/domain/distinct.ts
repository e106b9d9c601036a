import { words } from './words.ts';

/**
 * Distinct-2 of texts (Li et al. 2016, section 5.2): the different pairs of neighbouring words, as a share of all such
 * pairs. Words are compared as written.
 *
 * @returns in (0, 1]; null where no text has two words
 */
export function distinctBigrams(texts: Iterable<string>): number | null {
  const names = new Map<string, number>();
  // A pair's name is a number below 2^53 while there are fewer than 2^26 different words, and costs less than a text.
  const pairs = new Set<number>();
  let count = 0;
  for (const text of texts) {
    let before: number | undefined;
    for (const word of words(text)) {
      let name = names.get(word);
      if (name === undefined) {
        name = names.size;
        names.set(word, name);
      }
      if (before !== undefined) {
        pairs.add(before * 2 ** 26 + name);
        count += 1;
      }
      before = name;
    }
  }
  return count === 0 ? null : pairs.size / count;
}
