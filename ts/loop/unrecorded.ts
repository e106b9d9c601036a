import type { Journal } from '../ports/journal.ts';

/** A journal that keeps nothing: for what is played, and for measuring what keeping costs. */
export const UNRECORDED: Journal = {
  entries: [],
  append() {},
  put: () => '',
  get: () => undefined,
  digest: () => '',
};
