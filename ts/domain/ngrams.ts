/** A list of lists in two arrays: list k is `values[starts[k]]` to `values[starts[k + 1] - 1]`. */
interface Lists {
  readonly starts: Int32Array;
  readonly values: Int32Array;
}

/**
 * The n-grams of one length that occur in two texts or more, by text and by n-gram. An occurrence is a pair of a text
 * and an n-gram in it, however often; the others match nothing and are left out.
 */
export interface Ngrams {
  /** Text -> its n-grams, ascending. */
  readonly ofText: Lists;
  /** `[k]`: where the occurrence at `ofText.values[k]` lies in `texts`. */
  readonly places: Int32Array;
  /** N-gram -> texts that have it, ascending. */
  readonly texts: Lists;
  /** `[k]`: how often the n-gram occurs in the text `texts.values[k]`. */
  readonly counts: Int32Array;
  /** N-gram -> texts that do not have it, ascending; only for those that most texts have. */
  readonly without: Lists;
}

/**
 * Index texts by their n-grams of 1 to `orders` words.
 * @returns `[order - 1]`
 */
export function indexNgrams(texts: readonly (readonly string[])[], orders: number): Ngrams[] {
  const vocabulary = new Map<string, number>();
  const tokens = texts.map((text) => Int32Array.from(text, (word) => identify(vocabulary, word)));
  let prefixes = tokens;
  let count = vocabulary.size;
  return Array.from({ length: orders }, (_, order) => {
    if (order > 0) {
      // An n-gram's name is its first n - 1 words' id and its last word's: a number below 2^53, cheaper than a string.
      const names = new Map<number, number>();
      prefixes = prefixes.map((shorter, text) => {
        const last = tokens[text] as Int32Array;
        return Int32Array.from({ length: Math.max(0, last.length - order) }, (_, k) =>
          identify(names, (shorter[k] as number) * vocabulary.size + (last[k + order] as number)),
        );
      });
      count = names.size;
    }
    return group(prefixes, count);
  });
}

/** @param texts n-grams of each text in their order; @param count of different n-grams */
function group(texts: readonly Int32Array[], count: number): Ngrams {
  const sorted = texts.map((text) => text.slice().sort());
  const frequency = new Int32Array(count);
  for (const text of sorted) {
    for (let k = 0; k < text.length; k++) if (text[k] !== text[k - 1]) add(frequency, text[k] as number, 1);
  }
  const starts = new Int32Array(count + 1);
  for (let id = 0; id < count; id++) {
    const shared = frequency[id] as number;
    starts[id + 1] = (starts[id] as number) + (shared > 1 ? shared : 0);
  }
  const total = starts[count] as number;
  const next = starts.slice(0, count);
  const ofText = { starts: new Int32Array(texts.length + 1), values: new Int32Array(total) };
  const places = new Int32Array(total);
  const holders = new Int32Array(total);
  const counts = new Int32Array(total);
  let filled = 0;
  sorted.forEach((text, t) => {
    for (let k = 0; k < text.length; k++) {
      const id = text[k] as number;
      if (frequency[id] === 1) continue;
      if (id !== text[k - 1]) {
        ofText.values[filled] = id;
        places[filled] = next[id] as number;
        holders[next[id] as number] = t;
        add(next, id, 1);
        filled++;
      }
      add(counts, (next[id] as number) - 1, 1);
    }
    ofText.starts[t + 1] = filled;
  });
  const holding = { starts, values: holders };
  return { ofText, places, texts: holding, counts, without: complements(holding, texts.length) };
}

/** For the lists that have more than half of 0 ... n-1: what they lack. */
function complements({ starts, values }: Lists, n: number): Lists {
  const lackStarts = new Int32Array(starts.length);
  for (let id = 0; id + 1 < starts.length; id++) {
    const size = (starts[id + 1] as number) - (starts[id] as number);
    lackStarts[id + 1] = (lackStarts[id] as number) + (isMost(size, n) ? n - size : 0);
  }
  const lacks = new Int32Array(lackStarts[starts.length - 1] as number);
  for (let id = 0, filled = 0; id + 1 < starts.length; id++) {
    const end = starts[id + 1] as number;
    let k = starts[id] as number;
    if (!isMost(end - k, n)) continue;
    for (let item = 0; item < n; item++) {
      if (k < end && values[k] === item) k++;
      else lacks[filled++] = item;
    }
  }
  return { starts: lackStarts, values: lacks };
}

function isMost(count: number, n: number): boolean {
  return 2 * count > n;
}

/**
 * Count the clipped matches of a text's n-grams with every later text: the sum over n-grams of the smaller of both
 * counts. What most texts have is counted once, and taken off again where it is not.
 * @param found is added to, by text
 * @returns what is to be added to every later text besides
 */
export function countMatches(ngrams: Ngrams, text: number, found: Int32Array): number {
  const { ofText, places, texts, counts, without } = ngrams;
  const end = ofText.starts[text + 1] as number;
  const size = ofText.starts.length - 1;
  let common = 0;
  for (let k = ofText.starts[text] as number; k < end; k++) {
    const id = ofText.values[k] as number;
    const place = places[k] as number;
    const own = counts[place] as number;
    const first = texts.starts[id] as number;
    const last = texts.starts[id + 1] as number;
    if (own > 1) {
      for (let p = place + 1; p < last; p++) {
        add(found, texts.values[p] as number, Math.min(own, counts[p] as number));
      }
    } else if (isMost(last - first, size)) {
      common++;
      // Of the texts before this one, place - first have the n-gram.
      const lacking = without.starts[id + 1] as number;
      for (let p = (without.starts[id] as number) + text - (place - first); p < lacking; p++) {
        add(found, without.values[p] as number, -1);
      }
    } else {
      for (let p = place + 1; p < last; p++) add(found, texts.values[p] as number, 1);
    }
  }
  return common;
}

/**
 * Count the clipped matches of a text's n-grams with every later text, and list the texts that have any.
 * @param found is added to; all 0 before
 * @param touched receives the texts with matches
 * @returns how many those are
 */
export function listMatches(ngrams: Ngrams, text: number, found: Int32Array, touched: Int32Array): number {
  const { ofText, places, texts, counts } = ngrams;
  const end = ofText.starts[text + 1] as number;
  let count = 0;
  for (let k = ofText.starts[text] as number; k < end; k++) {
    const place = places[k] as number;
    const last = texts.starts[(ofText.values[k] as number) + 1] as number;
    for (let p = place + 1; p < last; p++) {
      const other = texts.values[p] as number;
      if (found[other] === 0) touched[count++] = other;
      add(found, other, Math.min(counts[place] as number, counts[p] as number));
    }
  }
  return count;
}

/** Clipped matches of two texts. */
export function matchesOfPair({ ofText, places, counts }: Ngrams, a: number, b: number): number {
  const { starts, values } = ofText;
  const [aEnd, bEnd] = [starts[a + 1] as number, starts[b + 1] as number];
  let matches = 0;
  for (let i = starts[a] as number, j = starts[b] as number; i < aEnd && j < bEnd; ) {
    const difference = (values[i] as number) - (values[j] as number);
    if (difference === 0)
      matches += Math.min(counts[places[i] as number] as number, counts[places[j] as number] as number);
    if (difference <= 0) i++;
    if (difference >= 0) j++;
  }
  return matches;
}

function add(into: Int32Array, index: number, amount: number): void {
  into[index] = (into[index] as number) + amount;
}

function identify<K>(table: Map<K, number>, key: K): number {
  let id = table.get(key);
  if (id === undefined) {
    id = table.size;
    table.set(key, id);
  }
  return id;
}
