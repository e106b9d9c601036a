/** BLEU-4 with uniform weights (Papineni et al. 2002). */
const ORDERS = 4;

/** What a precision without any match counts instead of 0: smoothing method 1 of Chen and Cherry (2014), as in NLTK. */
const SMOOTHING = 0.1;

/** One text, ready to be matched. */
interface Profile {
  /** Words. */
  length: number;
  /** `[order - 1]`: ids of the distinct n-grams and how often each occurs. */
  grams: { ids: Int32Array; counts: Int32Array }[];
}

/**
 * Pairwise distances d = 1 - BLEU of R-Zero's repetition penalty, equal to NLTK's `sentence_bleu` with
 * `SmoothingFunction().method1` on whitespace-separated words, to rounding.
 *
 * BLEU is not symmetric. As in the published code, each pair is scored once: for i < j, text i is the
 * hypothesis and text j the reference. As in NLTK, texts without a common word have d = 1 (so have empty
 * ones), and n-grams longer than a text count as 0.1 matches of 1: equal texts of fewer than four words
 * are not at distance 0 (for one word it is 0.82).
 *
 * Matches are counted through an index from n-grams to texts, so a pair costs what it shares, not
 * what it holds.
 *
 * @returns condensed distances, [0, 1], in the order (0,1), (0,2), ..., (1,2), ...: n (n - 1) / 2 of them
 */
export function bleuDistances(texts: readonly string[]): Float64Array {
  const n = texts.length;
  const { profiles, gramCounts } = profile(texts.map(words));
  const distances = new Float64Array((n * (n - 1)) / 2);
  const postings = gramCounts.map((count) => Array.from({ length: count }, (): number[] => []));
  // From the last text to the first: what the index holds by then are the references j > i.
  const matches = Array.from({ length: ORDERS }, () => new Int32Array(n));
  for (let i = n - 1; i >= 0; i--) {
    const hypothesis = profiles[i] as Profile;
    for (let order = 0; order < ORDERS; order++) {
      const found = (matches[order] as Int32Array).fill(0);
      countMatches(hypothesis, i, order, postings[order] as number[][], found);
    }
    const row = (i * (2 * n - i - 1)) / 2 - i - 1;
    for (let j = i + 1; j < n; j++) {
      const matched = matches.map((found) => found[j] as number);
      distances[row + j] = 1 - bleu(matched, hypothesis.length, (profiles[j] as Profile).length);
    }
  }
  return distances;
}

/** Adds clipped matches of text i's n-grams with every indexed text to `found`, then puts text i into the index. */
function countMatches(text: Profile, i: number, order: number, postings: number[][], found: Int32Array): void {
  const { ids, counts } = text.grams[order] as Profile['grams'][number];
  for (let g = 0; g < ids.length; g++) {
    const count = counts[g] as number;
    // Flat pairs (text, count).
    const list = postings[ids[g] as number] as number[];
    for (let k = 0; k < list.length; k += 2) {
      const reference = list[k] as number;
      found[reference] = (found[reference] as number) + Math.min(count, list[k + 1] as number);
    }
    list.push(i, count);
  }
}

/** Sentence BLEU from clipped matches per order, in [0, 1]. */
function bleu(matched: readonly number[], hypothesis: number, reference: number): number {
  if (matched[0] === 0) return 0;
  let logs = 0;
  for (let order = 0; order < ORDERS; order++) {
    const precision = (matched[order] || SMOOTHING) / Math.max(1, hypothesis - order);
    logs += Math.log(precision) / ORDERS;
  }
  const brevity = hypothesis > reference ? 1 : Math.exp(1 - reference / hypothesis);
  return brevity * Math.exp(logs);
}

function profile(texts: readonly string[][]): { profiles: Profile[]; gramCounts: number[] } {
  const vocabulary = new Map<string, number>();
  const tokens = texts.map((text) => Int32Array.from(text, (word) => identify(vocabulary, word)));
  // An n-gram's name is its first n - 1 words' id and its last word's: a number below 2^53, cheaper than a string.
  const tables = Array.from({ length: ORDERS }, () => new Map<number, number>());
  const profiles = tokens.map((text): Profile => {
    let prefixes = text;
    const grams = tables.map((table, order) => {
      if (order > 0) {
        const count = Math.max(0, text.length - order);
        const shorter = prefixes;
        prefixes = Int32Array.from({ length: count }, (_, k) =>
          identify(table, (shorter[k] as number) * vocabulary.size + (text[k + order] as number)),
        );
      }
      return tally(prefixes);
    });
    return { length: text.length, grams };
  });
  return { profiles, gramCounts: tables.map((table, order) => (order === 0 ? vocabulary.size : table.size)) };
}

function tally(ids: Int32Array): Profile['grams'][number] {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return { ids: Int32Array.from(counts.keys()), counts: Int32Array.from(counts.values()) };
}

function identify<K>(table: Map<K, number>, key: K): number {
  let id = table.get(key);
  if (id === undefined) {
    id = table.size;
    table.set(key, id);
  }
  return id;
}

/** Splits as Python's `str.split()`; JavaScript's `\s` lacks U+001C to U+001F and U+0085 and has U+FEFF. */
function words(text: string): string[] {
  const result: string[] = [];
  let start = -1;
  for (let i = 0; i <= text.length; i++) {
    if (i < text.length && !isBlank(text.charCodeAt(i))) {
      if (start < 0) start = i;
    } else if (start >= 0) {
      result.push(text.slice(start, i));
      start = -1;
    }
  }
  return result;
}

const RARE_BLANKS = new Set([0x85, 0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000]);

function isBlank(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d) || (unit >= 0x1c && unit <= 0x1f);
  return (unit >= 0x2000 && unit <= 0x200a) || RARE_BLANKS.has(unit);
}
