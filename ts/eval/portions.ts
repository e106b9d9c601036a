/** Responses that are drawn by one request: of items `from` up to `to`, the samples `first` up to `last` (both ends before). */
export interface Portion {
  mode: 'greedy' | 'sampled';
  from: number;
  to: number;
  first: number;
  last: number;
}

/** One response of a portion, in the order of its request: sample by sample, in each item by item. */
export interface Place {
  /** Number of the item. */
  item: number;
  sample: number;
}

/**
 * How the responses to a benchmark are cut into requests, greedy ones first. A request holds whole rounds of all items, as
 * many as a power of two, where there is room for several; else a part of a round. So how it is cut depends on its place
 * alone: 8 samples an item, and 24 more another time, are the requests of 32 at once.
 *
 * @param items at least 1
 * @param samples an item, 0 for none
 * @param size most responses of a request, at least 1
 */
export function portions(items: number, samples: number, greedy: boolean, size: number): Portion[] {
  const rounds = 2 ** Math.max(0, Math.floor(Math.log2(size / items)));
  const parts = steps(items, size);
  return [
    ...(greedy ? parts.map((part): Portion => ({ mode: 'greedy', ...part, first: 0, last: 1 })) : []),
    ...steps(samples, rounds).flatMap(({ from: first, to: last }) =>
      parts.map((part): Portion => ({ mode: 'sampled', ...part, first, last })),
    ),
  ];
}

export function placesOf({ from, to, first, last }: Portion): Place[] {
  const places: Place[] = [];
  for (let sample = first; sample < last; sample++) {
    for (let item = from; item < to; item++) places.push({ item, sample });
  }
  return places;
}

function steps(total: number, size: number): { from: number; to: number }[] {
  return Array.from({ length: Math.ceil(total / size) }, (_, index) => ({
    from: index * size,
    to: Math.min(total, (index + 1) * size),
  }));
}
