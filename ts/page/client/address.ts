import { type Criteria, EVERY_QUESTION, SORTS } from './criteria.ts';

/** What the part behind the `#` of an address says: which questions are listed, and which one is open. */
export interface Address {
  question: number | null;
  criteria: Criteria;
}

const LABELS = ['right', 'wrong', 'unknown'] as const;

/** Read a hash, with or without its `#`; what it says wrongly counts as unsaid. */
export function readAddress(hash: string): Address {
  const said = new URLSearchParams(hash.replace(/^#/, ''));
  const [low, high] = (/^(0|1|0?\.\d+)-(0|1|0?\.\d+)$/.exec(said.get('agreement') ?? '') ?? []).slice(1).map(Number);
  const sort = said.get('sort') ?? '';
  const label = said.get('label');
  return {
    question: whole(said.get('question')),
    criteria: {
      text: said.get('text') ?? '',
      iteration: whole(said.get('iteration')),
      phase: said.get('phase'),
      fate: said.get('fate'),
      label: LABELS.find((name) => name === label) ?? null,
      low: low ?? EVERY_QUESTION.low,
      high: high ?? EVERY_QUESTION.high,
      sort: SORTS.find((name) => name === sort.replace(/^-/, '')) ?? EVERY_QUESTION.sort,
      descending: sort.startsWith('-'),
    },
  };
}

/** The hash that says it, without what goes without saying; '' where all does. */
export function writeAddress({ question, criteria }: Address): string {
  const said = new URLSearchParams();
  if (question !== null) said.set('question', String(question));
  if (criteria.text !== '') said.set('text', criteria.text);
  for (const name of ['iteration', 'phase', 'fate', 'label'] as const) {
    const value = criteria[name];
    if (value !== null) said.set(name, String(value));
  }
  if (criteria.low > 0 || criteria.high < 1) said.set('agreement', `${criteria.low}-${criteria.high}`);
  if (criteria.sort !== EVERY_QUESTION.sort || criteria.descending)
    said.set('sort', `${criteria.descending ? '-' : ''}${criteria.sort}`);
  const text = said.toString();
  return text === '' ? '' : `#${text}`;
}

function whole(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
