/** What a question is looked for by; null and the whole range let all through. */
export interface Criteria {
  /** Occurs in the question, whatever the case; `#12` is the question of this number. */
  text: string;
  iteration: number | null;
  phase: string | null;
  fate: string | null;
  label: 'right' | 'wrong' | 'unknown' | null;
  /** Agreements, bounds included. */
  low: number;
  high: number;
  sort: Sort;
  descending: boolean;
}

export const SORTS = ['order', 'agreement', 'reward', 'length'] as const;
export type Sort = (typeof SORTS)[number];

export const EVERY_QUESTION: Readonly<Criteria> = {
  text: '',
  iteration: null,
  phase: null,
  fate: null,
  label: null,
  low: 0,
  high: 1,
  sort: 'order',
  descending: false,
};

/** How many filters (the order is none) let less than all through. */
export function filtersSet(criteria: Criteria): number {
  const { text, iteration, phase, fate, label, low, high } = criteria;
  return [text !== '', iteration !== null, phase !== null, fate !== null, label !== null, low > 0 || high < 1].filter(
    Boolean,
  ).length;
}
