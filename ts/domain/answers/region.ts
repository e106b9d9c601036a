import { orderValues, sameValue, type Value } from './value.ts';

/** An end of an interval: a real number, or -1 or 1 for minus or plus infinity. */
export type End = Value | -1 | 1;

export interface Span {
  low: End;
  high: End;
  /** Do the ends belong to it? */
  lowClosed: boolean;
  highClosed: boolean;
}

/** A set of real numbers: intervals and points in order, none touching another. */
export type Region = readonly Span[];

export const REALS: Region = [{ low: -1, high: 1, lowClosed: false, highClosed: false }];
export const EMPTY: Region = [];

export function point(value: Value): Region {
  return [{ low: value, high: value, lowClosed: true, highClosed: true }];
}

export function union(a: Region, b: Region): Region {
  const spans = [...a, ...b].filter((span) => !isEmpty(span)).sort(byLow);
  const result: Span[] = [];
  for (const span of spans) {
    const last = result.at(-1);
    if (last === undefined || !touches(last, span)) {
      result.push({ ...span });
      continue;
    }
    const order = orderEnds(span.high, last.high);
    if (order > 0) Object.assign(last, { high: span.high, highClosed: span.highClosed });
    else if (order === 0) last.highClosed ||= span.highClosed;
  }
  return result;
}

export function complement(region: Region): Region {
  const result: Span[] = [];
  let low: End = -1;
  let lowClosed = false;
  for (const span of region) {
    result.push({ low, lowClosed, high: span.low, highClosed: !span.lowClosed && span.low !== -1 });
    low = span.high;
    lowClosed = !span.highClosed && span.high !== 1;
  }
  result.push({ low, lowClosed, high: 1, highClosed: false });
  return result.filter((span) => !isEmpty(span));
}

export function intersection(a: Region, b: Region): Region {
  return complement(union(complement(a), complement(b)));
}

/** Are they the same set? null: an end could not be told from another. */
export function sameRegion(a: Region, b: Region): boolean | null {
  if (a.length !== b.length) return false;
  let same: boolean | null = true;
  for (const [i, span] of a.entries()) {
    const other = b[i] as Span;
    if (span.lowClosed !== other.lowClosed || span.highClosed !== other.highClosed) return false;
    for (const ends of [
      [span.low, other.low],
      [span.high, other.high],
    ] as const) {
      const equal = sameEnd(...ends);
      if (equal === false) return false;
      same &&= equal;
    }
  }
  return same;
}

function sameEnd(a: End, b: End): boolean | null {
  if (typeof a === 'number' || typeof b === 'number') return a === b;
  return sameValue(a, b);
}

function orderEnds(a: End, b: End): number {
  if (typeof a === 'number') return a === b ? 0 : a;
  if (typeof b === 'number') return -b;
  return orderValues(a, b);
}

function isEmpty(span: Span): boolean {
  const order = orderEnds(span.low, span.high);
  return order > 0 || (order === 0 && !(span.lowClosed && span.highClosed));
}

function byLow(a: Span, b: Span): number {
  return orderEnds(a.low, b.low) || Number(b.lowClosed) - Number(a.lowClosed);
}

/** Does the later of two spans begin where the earlier one has not ended, or right at its end? */
function touches(earlier: Span, later: Span): boolean {
  const order = orderEnds(later.low, earlier.high);
  return order < 0 || (order === 0 && (later.lowClosed || earlier.highClosed));
}
